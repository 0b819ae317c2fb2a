"""What holds for all tasks of one call, on whatever worker they run.

It is made once for each call and sent once to each worker, by its key, as functions are.
"""

from __future__ import annotations

from .._nesting import TOP, nesting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextvars import Token
    from typing import TypeAlias

    Level: TypeAlias = tuple[int, str | None]

__all__ = ["BATCH_SECONDS", "Terms"]

BATCH_SECONDS = 0.1
"""A batch whose size core chose begins no further task after this long."""


class Terms:
    """The terms on which the tasks of a call run.

    Several threads may use one object at once, so what they bring about is told by `begin` and
    taken back by `end`.

    Parameters
    ----------
    level : tuple
        The nesting in which the tasks run.
    max_nbytes : int or None
        Buffers of results of this many bytes and more go through shared memory, where there is
        some; None sends all of them.
    goes_on : bool, default=False
        Whether a batch goes on after a task that failed.
    batch_seconds : float, default=BATCH_SECONDS
        When a batch has run so long, it begins no further task.
    task_seconds : float or None, default=None
        How long one task may run, where it is the worker that sees to it.
    """

    __slots__ = ("batch_seconds", "goes_on", "level", "max_nbytes", "task_seconds")

    def __init__(
        self,
        level: Level = TOP,
        max_nbytes: int | None = None,
        goes_on: bool = False,
        batch_seconds: float = BATCH_SECONDS,
        task_seconds: float | None = None,
    ) -> None:
        self.level = level
        self.max_nbytes = max_nbytes
        self.goes_on = goes_on
        self.batch_seconds = batch_seconds
        self.task_seconds = task_seconds

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as little as can be: the key of short terms is their pickled form."""
        known = (self.level, self.max_nbytes)
        policy = (self.goes_on, self.batch_seconds, self.task_seconds)
        return Terms, known if policy == _USUAL else (*known, *policy)

    def begin(self) -> Token[Level]:
        """Have them hold in this thread."""
        return nesting.set(self.level)

    def end(self, token: Token[Level]) -> None:
        """Have those hold again that held before."""
        nesting.reset(token)


_USUAL = (False, BATCH_SECONDS, None)
