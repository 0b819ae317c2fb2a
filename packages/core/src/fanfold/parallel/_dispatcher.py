"""The dispatcher: decides what a call does next, from plain facts. It does nothing itself.

Whoever drives it asks :meth:`Dispatcher.next_size`, submits a batch of that size, tells it what
became of each batch, and takes results from :attr:`Dispatcher.ready`. It knows neither backends nor
time nor threads, so all of it is tested without any.

A batch is known by the number of its first task. Tasks are settled one by one or many at a time, in
any order: a batch may be settled in part, and its other tasks be run again in batches of their own.
"""

from __future__ import annotations

from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

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
    submitted_tasks : int
        How many tasks of the input were given to the backend, or need not be.
    found_tasks : int
        How many of them need not be, because their results were in a cache.
    completed_tasks : int
        How many of them are settled: they have a result, or the failure that takes its place.
    task_seconds : float
        How long tasks took together, measured where they ran.
    exhausted : bool
        Whether the user's iterator has ended.
    """

    def __init__(self, window: Window, sizer: BatchSizer, *, keep_order: bool) -> None:
        self._window = window
        self._sizer = sizer
        self._keep_order = keep_order
        self._in_flight: dict[int, int] = {}
        self._most_in_flight = window.in_flight
        self._held: dict[int, Sequence[object]] = {}
        self._next_in_order = 0
        self._taken = 0
        self._last: _Last | None = None
        self.ready: deque[object] = deque()
        self.failure: BaseException | None = None
        self.submitted_tasks = 0
        self.found_tasks = 0
        self.completed_tasks = 0
        self.task_seconds = 0.0
        self.exhausted = False

    def next_size(self) -> int:
        """Return how many tasks to take from the input as one batch now; 0 is to take none."""
        window = self._window
        if self.exhausted or len(self._in_flight) >= self._most_in_flight:
            return 0
        if self.failure is not None or self._last is not None:
            return 0
        if window.held is not None and len(self._held) >= window.held:
            return 0
        if window.unread is None:
            return self._sizer.size
        room = window.unread - (self.submitted_tasks - self._taken)
        return min(self._sizer.size, room)

    @property
    def has_room(self) -> bool:
        """Whether a batch may be submitted, such as one that is to be run again."""
        return self.failure is None and len(self._in_flight) < self._most_in_flight

    @property
    def largest(self) -> int:
        """How many tasks a batch should hold at the most."""
        return self._sizer.size

    def submitted(self, size: int) -> int:
        """Take note that a batch of `size` new tasks was submitted, and return its first one."""
        first_task = self.submitted_tasks
        self._in_flight[first_task] = size
        self.submitted_tasks += size
        return first_task

    def resubmitted(self, first_task: int, size: int) -> None:
        """Take note that these tasks were submitted again."""
        self._in_flight[first_task] = size

    def end_of_input(self) -> None:
        """Take note that the user's iterator has ended."""
        self.exhausted = True

    def completed(self, first_task: int, outcome: Outcome, nbytes: int = 0) -> None:
        """Take in the outcome of a batch whose tasks all have results.

        Parameters
        ----------
        first_task : int
            Its first task.
        outcome : Outcome
            Its results.
        nbytes : int, default=0
            The bytes that its arguments took on the way.
        """
        size = self._in_flight.pop(first_task)
        seconds = outcome.seconds
        self.task_seconds += seconds
        nbytes = max(nbytes, outcome.nbytes)
        self._sizer.measured(size, seconds, nbytes)
        self._most_in_flight = self._window.in_flight_after(seconds, nbytes)
        self.settle(first_task, outcome.results)

    def partly_completed(self, first_task: int, outcome: Outcome, nbytes: int = 0) -> None:
        """Take note that a batch came back, perhaps before its end; its tasks are settled apart.

        Parameters
        ----------
        first_task : int
            Its first task.
        outcome : Outcome
            How far it came.
        nbytes : int, default=0
            The bytes that the arguments of those that ran took on the way.
        """
        size = self._in_flight.pop(first_task)
        self.task_seconds += outcome.seconds
        if outcome.ran < size and not outcome.failures:
            self._sizer.ended_early(outcome.ran, outcome.seconds)
        elif outcome.ran:
            self._sizer.measured(outcome.ran, outcome.seconds, max(nbytes, outcome.nbytes))

    def dropped(self, first_task: int) -> None:
        """Take note that a batch has no outcome."""
        del self._in_flight[first_task]

    def settle(self, first_task: int, results: Sequence[object]) -> None:
        """Take in the results of consecutive tasks, or what takes the place of a result."""
        if not results:
            return
        self.completed_tasks += len(results)
        if not self._keep_order:
            self.ready += results
        elif first_task != self._next_in_order:
            self._held[first_task] = results
        else:
            following: Sequence[object] | None = results
            while following is not None:
                self.ready += following
                self._next_in_order += len(following)
                following = self._held.pop(self._next_in_order, None)
        if self._last is not None and first_task in self._last.tasks:
            self._last.n_left -= len(results)
            if not self._last.n_left:
                self.fail(self._last.failure)

    def fail(self, failure: BaseException) -> None:
        """Take in what ends the call; the first failure counts."""
        if self.failure is None:
            self.failure = failure

    def fail_after(self, tasks: range, failure: BaseException) -> None:
        """Take in what ends the call once these tasks, which are run again, are settled.

        Should there be another such failure meanwhile, the first ends the call at once.
        """
        if self._last is not None:
            self.fail(self._last.failure)
        self._last = _Last(tasks, failure)

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
    def finished(self) -> bool:
        """Whether every task of the input is settled, and its result is ready or taken."""
        is_settled = self.completed_tasks == self.submitted_tasks
        return self.exhausted and is_settled and self.failure is None


class _Last:
    """What must still be settled before a call ends."""

    __slots__ = ("failure", "n_left", "tasks")

    def __init__(self, tasks: range, failure: BaseException) -> None:
        self.tasks = tasks
        self.failure = failure
        self.n_left = len(tasks)
