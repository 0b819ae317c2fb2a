"""What holds for all tasks of one call, on whatever worker they run.

It is made once for each call and sent once to each worker, by its key, as functions are.
"""

from __future__ import annotations

from .._nesting import TOP, nesting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextvars import Token

    from .._nesting import Level
    from .naming import Function
    from .seeding import KeptGenerators, Seed

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
    seed : tuple or None
        What their streams of random numbers are derived from.
    """

    __slots__ = ("level", "max_nbytes", "seed")

    def __init__(
        self, level: Level = TOP, max_nbytes: int | None = None, seed: Seed | None = None
    ) -> None:
        self.level = level
        self.max_nbytes = max_nbytes
        self.seed = seed

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as little as can be: the key of short terms is their pickled form."""
        if self.seed is None:
            return Terms, (self.level, self.max_nbytes)
        return Terms, (self.level, self.max_nbytes, self.seed)

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

    def begin(self) -> Token[Level]:
        """Have them hold in this thread."""
        return nesting.set(self.level)

    def end(self, token: Token[Level]) -> None:
        """Have those hold again that held before."""
        nesting.reset(token)
