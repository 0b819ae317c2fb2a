"""What holds for all tasks of one call, on whatever worker they run.

It is made once for each call and sent once to each worker, by its key, as functions are.
"""

from __future__ import annotations

from contextvars import copy_context

from .._nesting import TOP, nesting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from .._nesting import Level
    from .naming import Function
    from .seeding import KeptGenerators, Seed
    from .travel.luggage import Luggage

    R = TypeVar("R")

__all__ = ["BATCH_SECONDS", "FOREVER", "Terms"]

BATCH_SECONDS = 0.1
"""A batch whose size core chose begins no further task after this long."""

FOREVER = float("inf")
"""So many seconds never pass. That of math is in a library that many interpreters load for it."""


class Terms:
    """The terms on which the tasks of a call run.

    Several threads may use one object at once.

    Parameters
    ----------
    level : tuple
        The nesting in which the tasks run.
    max_nbytes : int or None
        Buffers of results of this many bytes and more go through shared memory, where there is
        some; None sends all of them.
    luggage : Luggage or None, default=None
        What they take along from where the call was made.
    seed : tuple or None, default=None
        What their streams of random numbers are derived from.
    goes_on : bool, default=False
        Whether a batch goes on after a task that failed.
    batch_seconds : float, default=BATCH_SECONDS
        When a batch has run so long, it begins no further task.
    task_seconds : float or None, default=None
        How long one task may run, where it is the worker that sees to it.
    """

    __slots__ = (
        "batch_seconds",
        "goes_on",
        "level",
        "luggage",
        "max_nbytes",
        "seed",
        "task_seconds",
    )

    def __init__(
        self,
        level: Level = TOP,
        max_nbytes: int | None = None,
        luggage: Luggage | None = None,
        seed: Seed | None = None,
        goes_on: bool = False,
        batch_seconds: float = BATCH_SECONDS,
        task_seconds: float | None = None,
    ) -> None:
        self.level = level
        self.max_nbytes = max_nbytes
        self.luggage = luggage
        self.seed = seed
        self.goes_on = goes_on
        self.batch_seconds = batch_seconds
        self.task_seconds = task_seconds

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as little as can be: the key of short terms is their pickled form."""
        known = (self.level, self.max_nbytes)
        rest = (
            self.luggage,
            self.seed,
            self.goes_on,
            self.batch_seconds,
            self.task_seconds,
        )
        return Terms, known if rest == _USUAL else (*known, *rest)

    def keep_generators(self) -> KeptGenerators | None:
        """Return what puts back the generators that tasks share, if they will be seeded."""
        if self.seed is None:
            return None
        from .seeding import keep_generators  # most calls have none

        return keep_generators()

    def bind(self, function: Function, index: int, kept: KeptGenerators | None = None) -> Function:
        """Return what to call for the task with this index: with a seed, in its own randomness."""
        if self.seed is None:
            return function
        from .seeding import seeded

        return seeded(function, self.seed, index, kept)

    def prepare(self) -> None:
        """Have hold in this process what must, and see to it that it is initialized.

        Raises
        ------
        fanfold.errors.InitializerError
            If it cannot be.
        """
        if self.luggage is not None:
            self.luggage.unpack_in_process()

    def run(self, work: Callable[..., R], *args: object) -> R:
        """Return what `work` returns in a context of its own, in which the terms hold."""
        return copy_context().run(self._run_here, work, *args)

    def _run_here(self, work: Callable[..., R], *args: object) -> R:
        nesting.set(self.level)
        if self.luggage is not None and self.luggage.variables:
            self.luggage.unpack_in_context()
        return work(*args)


_USUAL = (None, None, False, BATCH_SECONDS, None)
