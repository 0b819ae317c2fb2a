"""How many tasks the next batch holds: pure, from what workers measured."""

from __future__ import annotations

from ..tasks.terms import BATCH_SECONDS

__all__ = ["BatchSizer", "Durations", "FixedSizer", "GrowingSizer"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import Protocol

    class BatchSizer(Protocol):
        """Decides the size of batches."""

        @property
        def size(self) -> int:
            """How many tasks the next batch should hold."""

        def measured(self, tasks: int, seconds: float, nbytes: int) -> None:
            """Take in what came of a batch."""

        def ended_early(self, tasks: int, seconds: float) -> None:
            """Take in that a batch took too long, and gave its last tasks back."""


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

    def ended_early(self, tasks: int, seconds: float) -> None:
        """Nothing that is measured changes the size."""


class GrowingSizer:
    """Batches that grow until carrying them costs little beside running them.

    The aim is `AIM` seconds of work for a batch, long against the cost of a message and short
    against a run, and half of what a batch may take until it gives its last tasks back. Sizes grow
    at most `GROWTH`-fold at a time, because the first tasks may not be like the rest, and shrink at
    once. They are bounded so that the arguments of a batch, and its results, stay below
    `MOST_BYTES`.

    Parameters
    ----------
    first : int, default=1
        How many tasks the first batches hold.

    Attributes
    ----------
    size : int
        How many tasks the next batch should hold.
    """

    AIM = BATCH_SECONDS / 2
    GROWTH = 4
    MOST_BYTES = 8 << 20

    def __init__(self, first: int = 1) -> None:
        self.size = first

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

    def ended_early(self, tasks: int, seconds: float) -> None:
        """Take in that a batch gave its last tasks back.

        If that was because it took too long, its last tasks took longer than those before them. So
        may those that follow, and what all of them took on average would be a poor guess.

        Parameters
        ----------
        tasks : int
            How many tasks it ran, 1 or more.
        seconds : float
            How long they took together.
        """
        self.measured(tasks, seconds, 0)
        if seconds >= BATCH_SECONDS:
            self.size = max(1, min(self.size, tasks // 2))


class Durations:
    """How long the tasks of each function took in earlier calls of this process.

    A guess, and used as one: only for the first batches of a call, which are kept so small that a
    wrong guess costs little.
    """

    FIRST_SECONDS = 0.0005
    MOST_FIRST = 64
    MOST_REMEMBERED = 256

    def __init__(self) -> None:
        self._measured: dict[Hashable, tuple[float, float]] = {}

    def first_size(self, function: Hashable) -> int:
        """Return how many tasks of a function its first batches may hold."""
        tasks, seconds = self._measured.get(function, (0, 0))
        if not tasks:
            return 1
        fitting = tasks * self.FIRST_SECONDS / seconds if seconds > 0 else self.MOST_FIRST
        return max(1, min(self.MOST_FIRST, int(fitting)))

    def remember(self, function: Hashable, tasks: int, seconds: float) -> None:
        """Take note of how long the tasks of a call took.

        Half of what earlier calls say counts on, so that what was learned from thousands of tasks
        outlives a call of few in which the machine stood still.

        Several threads may do so at once: each step is one operation on the dictionary, and a note
        that another clears away is no harm.

        Parameters
        ----------
        function : hashable
            What tells the function from others.
        tasks : int
            How many of its tasks were run, 1 or more.
        seconds : float
            How long they took together.
        """
        if len(self._measured) >= self.MOST_REMEMBERED:
            self._measured.clear()
        earlier_tasks, earlier_seconds = self._measured.get(function, (0, 0))
        self._measured[function] = (tasks + earlier_tasks / 2, seconds + earlier_seconds / 2)
