"""A call some of whose results are there before anything is run.

Only what the cache needs is here: the dispatcher and the call of all others know nothing of it.
"""

from __future__ import annotations

from ..tasks.outcomes import Outcome
from ._call import Call
from ._dispatcher import Dispatcher
from ._window import Window

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ..contracts.backend import Executor
    from ._looking import Found, LookingFeeder
    from ._sizing import BatchSizer

__all__ = ["FindingCall", "FindingDispatcher"]


class FindingDispatcher(Dispatcher):
    """Takes in results that were found, and bounds how far ahead of the consumer that goes.

    What was found costs no worker's time. So it is not the number of batches that wait for an
    earlier one which is bounded where results are streamed, but that of results.

    Parameters
    ----------
    window, sizer, keep_order
        As for :class:`Dispatcher`.
    streaming : bool
        Whether the results are taken one by one.
    """

    MOST_AHEAD = 1000
    MOST_BYTES_AHEAD = 64 << 20

    def __init__(
        self, window: Window, sizer: BatchSizer, *, keep_order: bool, streaming: bool
    ) -> None:
        ahead = Window(window.in_flight, unread=window.unread)
        super().__init__(ahead, sizer, keep_order=keep_order)
        self._most_ahead = self.MOST_AHEAD if streaming else None
        self._found_bytes = 0

    def next_size(self) -> int:
        """Return how many tasks the next batch may hold; 0 is to take none from the input now."""
        return super().next_size() if self.room >= 1 else 0

    @property
    def room(self) -> float:
        """How many tasks more may be taken from the input."""
        room = float("inf")
        if self._most_ahead is not None:
            room = self._most_ahead - (self.completed_tasks - self._taken)
        if self._window.unread is not None:
            room = min(room, self._window.unread - (self.submitted_tasks - self._taken))
        return room

    def found(self, results: Sequence[object], nbytes: int) -> int:
        """Take in the results of the next tasks of the input; return the first one's number.

        Parameters
        ----------
        results : sequence
            The results.
        nbytes : int
            How many bytes they take, about.
        """
        first_task = self.submitted_tasks
        self.submitted_tasks += len(results)
        self.found_tasks += len(results)
        self._found_bytes += nbytes
        if self._most_ahead is not None and self._found_bytes:
            fitting = self.MOST_BYTES_AHEAD * self.found_tasks // self._found_bytes
            self._most_ahead = max(1, min(self.MOST_AHEAD, fitting))
        self.settle(first_task, results)
        return first_task


class FindingCall(Call):
    """A call that looks results up between one batch and the next.

    Parameters
    ----------
    executor, dispatcher, feeder, *args, **kwargs
        As for :class:`Call`.
    streaming : bool
        Whether the results are taken one by one, and so are handed on as soon as they are found.
    """

    def __init__(
        self,
        executor: Executor,
        dispatcher: FindingDispatcher,
        feeder: LookingFeeder,
        *args: Any,
        streaming: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(executor, dispatcher, feeder, *args, **kwargs)
        self._finding = dispatcher
        self._looking = feeder
        self._is_streaming = streaming

    def _refill(self) -> None:
        """Submit as many batches as the dispatcher wants, and take in what is found on the way."""
        dispatcher, feeder = self._finding, self._looking
        while True:
            if self._in_flight:
                self._wait_for(0.0)  # looking takes time, and workers that are done wait for more
            if self._again:
                self._resubmit()
            size = dispatcher.next_size()
            if size <= 0:
                return
            found = feeder.take_found(dispatcher.room)
            if found is not None:
                self._take_in_found(found)
            else:
                self._submit_next(size)
            if feeder.exhausted:
                dispatcher.end_of_input()
            if self._is_streaming and dispatcher.ready:
                return

    def _take_in_found(self, found: Found) -> None:
        first_task = self._finding.found(found.results, found.nbytes)
        for observer in self._observers:
            observer.batch_finished(first_task, Outcome(found.results, (), 0.0))

    def _submit_next(self, size: int) -> None:
        batch = self._looking.take(self._finding.submitted_tasks, size)
        if batch is not None:
            future = self._executor.submit(batch)
            self._finding.submitted(batch.size)
            self._submitted(batch, future)
