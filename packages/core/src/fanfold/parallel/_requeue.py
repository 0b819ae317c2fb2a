"""What is to be run again: served before anything new is taken from the input."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from ..tasks.batches import EncodedBatch
    from ..tasks.local import LocalBatch

    AnyBatch: TypeAlias = EncodedBatch | LocalBatch

__all__ = ["Requeue"]


class Requeue:
    """Batches that are to be run again, some only after a while; earlier tasks first.

    It knows no clock: whoever uses it says what time it is.

    Parameters
    ----------
    n_workers : int
        Among how many workers large batches are shared out.
    """

    def __init__(self, n_workers: int) -> None:
        self._n_workers = n_workers
        self._numbers = count()
        self._heap: list[tuple[float, int, int, AnyBatch]] = []

    def __len__(self) -> int:
        """How many there are, those that must wait included."""
        return len(self._heap)

    @property
    def next_due(self) -> float | None:
        """When the next of them may be run; None if there is none."""
        return self._heap[0][0] if self._heap else None

    def add(self, batch: AnyBatch, due: float = 0.0) -> None:
        """Add a batch, to be run at some time or, without one, as soon as there is room."""
        if batch.size:
            heappush(self._heap, (due, batch.first_task, next(self._numbers), batch))

    def clear(self) -> None:
        """Drop all of them."""
        self._heap.clear()

    def take(self, now: float, most: int) -> AnyBatch | None:
        """Return what is to be run next, or None if nothing is due.

        Parameters
        ----------
        now : float
            The time.
        most : int
            The most tasks that a batch may hold, 1 or more. One that holds more, or more than its
            share of the workers, is cut, and the rest stays.
        """
        if not self._heap or self._heap[0][0] > now:
            return None
        due, _, _, batch = heappop(self._heap)
        size = min(most, -(-batch.size // self._n_workers))
        if size == batch.size:
            return batch
        self.add(batch.cut(size, batch.size), due)
        return batch.cut(0, size)
