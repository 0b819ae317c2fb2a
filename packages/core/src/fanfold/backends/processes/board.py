"""The board: a few bytes shared by a worker and its parent, that say what the worker is doing.

The worker writes it before each task, without a system call. The parent reads it to name the task
that ran when the worker ended, and to see how long a task has been running. It writes one word
itself: which batch the worker should give back, from its next task on.
"""

from __future__ import annotations

from ...tasks.terms import FOREVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mmap import mmap

__all__ = ["Board"]

_BEGUN, _POSITION, _READY, _SINCE, _WANTED = range(5)
"""Batches begun; the position in the last; 1 once up; when its task began; the batch wanted."""


class Board:
    """What a worker is doing.

    Parameters
    ----------
    memory : mmap
        What worker and parent both map, at first zero; its first `SIZE` bytes are the board.
    """

    SIZE = 8 * 5

    def __init__(self, memory: mmap) -> None:
        self._memory = memory
        self._numbers = memoryview(memory)[: self.SIZE].cast("Q")
        self._times = memoryview(memory)[: self.SIZE].cast("d")
        self._begun = 0

    def write_ready(self) -> None:
        """Say that the worker is up."""
        self._numbers[_READY] = 1

    def write_started(self) -> None:
        """Say that a further batch begins."""
        self._begun += 1
        self._numbers[_POSITION] = 0
        self._times[_SINCE] = 0.0
        self._numbers[_BEGUN] = self._begun

    def write_position(self, position: int, now: float) -> bool:
        """Say that a task of the batch begins, unless the rest is wanted back; tell which.

        The first begins in any case.
        """
        numbers = self._numbers
        if numbers[_WANTED] == self._begun and position:
            return False
        numbers[_POSITION] = position
        self._times[_SINCE] = now
        return True

    @property
    def position(self) -> int:
        """The position of the task that runs, or ran last, in its batch."""
        return self._numbers[_POSITION]

    def write_done(self) -> None:
        """Say that no task runs any more."""
        self._times[_SINCE] = FOREVER

    def want_back(self, number: int) -> None:
        """Ask for the rest of a batch, by its number among those that were begun, from 1."""
        self._numbers[_WANTED] = number

    def read(self) -> tuple[int, int, bool]:
        """Return how many batches were begun, the position in the last, and whether it was up."""
        numbers = self._numbers
        return numbers[_BEGUN], numbers[_POSITION], bool(numbers[_READY])

    def running_since(self) -> float:
        """Return when the present task began, on the performance counter; infinity if none runs.

        What a worker does beforehand, such as importing the task's module, does not count. All
        processes of a machine have the same performance counter.
        """
        return self._times[_SINCE] or FOREVER

    def was_done(self) -> bool:
        """Tell whether all tasks of the last batch were done."""
        return self._times[_SINCE] == FOREVER

    def close(self) -> None:
        """Unmap the memory."""
        self._numbers.release()
        self._times.release()
        self._memory.close()
