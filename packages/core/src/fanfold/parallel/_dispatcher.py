"""The dispatcher: decides what a call does next, from plain facts. It does nothing itself.

Whoever drives it asks :meth:`Dispatcher.next_size`, submits a batch of that size, tells it what
became of each batch, and takes results from :attr:`Dispatcher.ready`. It knows neither backends nor
time nor threads, so all of it is tested without any.
"""

from __future__ import annotations

from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..tasks.outcomes import Outcome
    from ._sizing import BatchSizer
    from ._window import Window

__all__ = ["Dispatcher"]


class Dispatcher:
    """The state of one call, and what follows from it.

    Parameters
    ----------
    window : Window
        How far to run ahead.
    sizer : BatchSizer
        How large batches should be.
    keep_order : bool
        Whether results come in the order of the tasks, or as they are complete.

    Attributes
    ----------
    ready : collections.deque
        Results that may be handed on, in the order to hand them on.
    failure : BaseException or None
        The first failure; nothing is submitted after it. What is ready by then still counts.
    submitted_tasks, completed_tasks : int
        How many tasks were given to the backend, and how many have run.
    task_seconds : float
        How long those took together, measured where they ran.
    exhausted : bool
        Whether the user's iterator has ended.
    """

    def __init__(self, window: Window, sizer: BatchSizer, *, keep_order: bool) -> None:
        self._window = window
        self._sizer = sizer
        self._keep_order = keep_order
        self._in_flight: dict[int, int] = {}
        self._held: dict[int, Outcome] = {}
        self._submitted_batches = 0
        self._next_in_order = 0
        self._taken = 0
        self.ready: deque[object] = deque()
        self.failure: BaseException | None = None
        self.submitted_tasks = 0
        self.completed_tasks = 0
        self.task_seconds = 0.0
        self.exhausted = False

    def next_size(self) -> int:
        """Return how many tasks to submit as one batch now; 0 is to wait."""
        if self.exhausted or self.failure is not None:
            return 0
        window = self._window
        if len(self._in_flight) >= window.in_flight:
            return 0
        if window.held is not None and len(self._held) >= window.held:
            return 0
        if window.unread is None:
            return self._sizer.size
        room = window.unread - (self.submitted_tasks - self._taken)
        return min(self._sizer.size, room)

    def submitted(self, size: int) -> int:
        """Take note that a batch of `size` tasks was submitted, and return its number."""
        number = self._submitted_batches
        self._submitted_batches += 1
        self._in_flight[number] = size
        self.submitted_tasks += size
        return number

    def end_of_input(self) -> None:
        """Take note that the user's iterator has ended."""
        self.exhausted = True

    def completed(self, number: int, outcome: Outcome, nbytes: int = 0) -> None:
        """Take in the outcome of a batch.

        Parameters
        ----------
        number : int
            What :meth:`submitted` returned for it.
        outcome : Outcome
            Its results, up to the first task that failed.
        nbytes : int, default=0
            The bytes that its arguments took on the way.
        """
        size = self._in_flight.pop(number)
        self.completed_tasks += len(outcome.results)
        self.task_seconds += outcome.seconds
        if outcome.failure is None:
            self._sizer.measured(size, outcome.seconds, max(nbytes, outcome.nbytes))
        elif self.failure is None:
            self.failure = outcome.failure
        if not self._keep_order:
            self.ready += outcome.results
            return
        self._held[number] = outcome
        while (earliest := self._held.get(self._next_in_order)) is not None:
            del self._held[self._next_in_order]
            self.ready += earliest.results
            if earliest.failure is not None:
                return  # nothing after a task that failed comes in order any more
            self._next_in_order += 1

    def lost(self, number: int, failure: BaseException) -> None:
        """Take note that a batch has no outcome, because of the system and not of its tasks."""
        del self._in_flight[number]
        if self.failure is None:
            self.failure = failure

    def take(self) -> object:
        """Return the next ready result, which makes room for another task."""
        self._taken += 1
        return self.ready.popleft()

    def take_all(self) -> list[object]:
        """Return all ready results."""
        self._taken += len(self.ready)
        results = list(self.ready)
        self.ready.clear()
        return results

    def take_failure(self) -> BaseException:
        """Return the failure, and forget it: its traceback refers to whoever raises it."""
        failure = self.failure
        assert failure is not None
        self.failure = None
        return failure

    @property
    def oldest_in_flight(self) -> int | None:
        """The number of the batch that was submitted first among those in flight."""
        return next(iter(self._in_flight), None)

    @property
    def finished(self) -> bool:
        """Whether every task of the input has run and its result is ready or taken."""
        return self.exhausted and not self._in_flight and self.failure is None
