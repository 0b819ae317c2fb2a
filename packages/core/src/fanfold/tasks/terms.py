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

__all__ = ["Terms"]


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
    """

    __slots__ = ("level", "max_nbytes")

    def __init__(self, level: Level = TOP, max_nbytes: int | None = None) -> None:
        self.level = level
        self.max_nbytes = max_nbytes

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as little as can be: the key of short terms is their pickled form."""
        return Terms, (self.level, self.max_nbytes)

    def begin(self) -> Token[Level]:
        """Have them hold in this thread."""
        return nesting.set(self.level)

    def end(self, token: Token[Level]) -> None:
        """Have those hold again that held before."""
        nesting.reset(token)
