"""How many tasks the next batch holds: pure, from what workers measured."""

from __future__ import annotations

__all__ = ["BatchSizer", "FixedSizer", "GrowingSizer"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class BatchSizer(Protocol):
        """Decides the size of batches."""

        @property
        def size(self) -> int:
            """How many tasks the next batch should hold."""

        def measured(self, tasks: int, seconds: float, nbytes: int) -> None:
            """Take in what came of a batch."""


class FixedSizer:
    """Batches of one size, as the user laid down.

    Parameters
    ----------
    size : int
        How many tasks each batch holds.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def measured(self, tasks: int, seconds: float, nbytes: int) -> None:
        """Nothing that is measured changes the size."""


class GrowingSizer:
    """Batches that grow until carrying them costs little beside running them.

    The aim is `AIM` seconds of work for a batch, long against the cost of a message and short
    against a run. Sizes grow at most `GROWTH`-fold at a time, because the first tasks may not be
    like the rest, and shrink at once. They are bounded so that the arguments of a batch, and its
    results, stay below `MOST_BYTES`.

    Attributes
    ----------
    size : int
        How many tasks the next batch should hold; the first holds one.
    """

    AIM = 0.1
    GROWTH = 4
    MOST_BYTES = 8 << 20

    def __init__(self) -> None:
        self.size = 1

    def measured(self, tasks: int, seconds: float, nbytes: int) -> None:
        """Take in what came of a batch.

        Parameters
        ----------
        tasks : int
            How many tasks it ran, 1 or more.
        seconds : float
            How long they took together, measured by the worker.
        nbytes : int
            The bytes of their arguments or of their results, whichever are more.
        """
        fitting = tasks * self.AIM / seconds if seconds > 0 else self.size * self.GROWTH
        if nbytes > 0:
            fitting = min(fitting, tasks * self.MOST_BYTES / nbytes)
        if fitting < self.size:
            self.size = max(1, int(fitting))
        elif tasks >= self.size:
            # Batches that were cut before the last growth say nothing about the present size.
            self.size = max(1, min(int(fitting), self.size * self.GROWTH))
