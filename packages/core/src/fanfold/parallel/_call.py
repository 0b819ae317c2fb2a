"""One call of Parallel: the thin layer between the dispatcher, which decides, and the executor.

The road of the data: the feeder takes tasks and makes a batch, the executor runs it, its future
comes back through ``completed``, the batch decodes it, the dispatcher puts results in order, and
:meth:`Call.results` or :meth:`Call.stream` hands them on. All of it in the thread that made the
call or consumes its results.
"""

from __future__ import annotations

import sys
from _queue import SimpleQueue  # queue itself imports four modules more
from time import monotonic

from ..errors import BackendUnavailableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from typing import Any, TypeAlias

    from ..contracts.backend import Executor
    from ..contracts.future import BatchFuture
    from ..tasks.batches import EncodedBatch
    from ..tasks.local import LocalBatch, StopFlag
    from ..tasks.outcomes import Outcome
    from ._deadlines import Deadlines
    from ._dispatcher import Dispatcher
    from ._feeding import Feeder
    from ._observing import Observer
    from ._recovery import Recovery
    from ._requeue import Requeue

    AnyBatch: TypeAlias = EncodedBatch | LocalBatch

__all__ = ["Call", "CallStoppedError"]


class CallStoppedError(Exception):
    """Ends a call in the thread that runs it, when another has stopped it."""


class Call:
    """A call of ``Parallel`` while it runs.

    Parameters
    ----------
    executor : Executor
        What runs its batches; the call closes it.
    dispatcher : Dispatcher
        What decides.
    feeder : Feeder
        Where its tasks come from.
    again : Requeue
        What is to be run again.
    recovery : Recovery
        What sees to failures.
    deadlines : Deadlines or None
        When tasks have had their time; None where they may take as long as they want.
    stop : StopFlag
        Raised when it ends, so that tasks which have not begun need not. It is not the call's own,
        because whoever looks at it would keep the call alive.
    observers : sequence of Observer
        Who is told.
    on_end : callable
        Called once, when the call has ended in whatever way.
    """

    def __init__(
        self,
        executor: Executor,
        dispatcher: Dispatcher,
        feeder: Feeder,
        again: Requeue,
        recovery: Recovery,
        *,
        deadlines: Deadlines | None,
        stop: StopFlag,
        observers: Sequence[Observer],
        on_end: Callable[[], object],
    ) -> None:
        self._executor = executor
        self._dispatcher = dispatcher
        self._feeder = feeder
        self._again = again
        self._recovery = recovery
        self._deadlines = deadlines
        self._stop = stop
        self._observers = observers
        self._on_end = on_end
        self._in_flight: dict[BatchFuture, AnyBatch] = {}
        self._completed: SimpleQueue[BatchFuture | None] = SimpleQueue()

    def stop(self) -> None:
        """End the call from another thread than the one that runs it."""
        self._stop.is_up = True
        self._completed.put(None)
        self._executor.interrupt()

    def results(self) -> list[Any]:
        """Run to the end and return all results; the first failure ends it at once."""
        dispatcher = self._dispatcher
        results: list[object] = []
        try:
            while True:
                self._refill()
                if dispatcher.failure is not None:
                    raise dispatcher.take_failure()
                results += dispatcher.take_all()
                if dispatcher.finished:
                    break
                self._wait()
        except BaseException as error:
            self._end(error)
            raise
        self._end(None)
        return results

    def stream(self, *, ahead: bool) -> Generator[Any, None, None]:
        """Return a generator of the results, which yields what is done before it raises.

        Parameters
        ----------
        ahead : bool
            Whether the first batches are submitted at once, or when the first result is asked for.
        """
        generator = self._stream(ahead)
        next(generator)  # from here on, closing it ends the call
        return generator

    def _stream(self, ahead: bool) -> Generator[Any, None, None]:
        dispatcher = self._dispatcher
        try:
            if ahead:
                self._refill()
            yield None
            while True:
                self._refill()
                if dispatcher.ready:
                    yield dispatcher.take()
                elif dispatcher.failure is not None:
                    raise dispatcher.take_failure()
                elif dispatcher.finished:
                    break
                else:
                    self._wait()
        except BaseException as error:
            self._end(error)
            raise
        self._end(None)

    def _refill(self) -> None:
        """Submit as many batches as the dispatcher wants."""
        dispatcher, feeder = self._dispatcher, self._feeder
        if self._again:
            self._resubmit()
        while (size := dispatcher.next_size()) > 0:
            batch = feeder.take(dispatcher.submitted_tasks, size)
            if batch is None:
                dispatcher.end_of_input()
                return
            future = self._executor.submit(batch)
            dispatcher.submitted(batch.size)
            if feeder.exhausted:
                dispatcher.end_of_input()
            self._submitted(batch, future)

    def _resubmit(self) -> None:
        """Submit what is to be run again, as far as there is room and it is due."""
        dispatcher = self._dispatcher
        while dispatcher.has_room:
            batch = self._again.take(monotonic(), dispatcher.largest)
            if batch is None:
                return
            dispatcher.resubmitted(batch.first_task, batch.size)
            self._submitted(batch, self._executor.submit(batch))

    def _submitted(self, batch: AnyBatch, future: BatchFuture) -> None:
        self._in_flight[future] = batch
        if self._deadlines is not None:
            self._deadlines.submitted(future, batch)
        future.add_done_callback(self._completed.put)

    def _wait(self) -> None:
        """Wait for a batch to complete, and take in all that have; or until it is time to act."""
        self._wait_for(self._time_left() if self._again or self._deadlines is not None else None)

    def _wait_for(self, seconds: float | None) -> None:
        future = self._executor.wait(self._completed, seconds)
        if self._stop.is_up:
            raise CallStoppedError
        if future is None:
            self._look_at_the_clock()
        while future is not None:
            self._take_in(future)
            future = None if self._completed.empty() else self._completed.get()

    def _take_in(self, future: BatchFuture) -> None:
        batch = self._in_flight.pop(future, None)
        if batch is None:
            return  # it was given up
        if self._deadlines is not None:
            self._deadlines.ended(future)
        try:
            outcome = batch.decode(future.result())
        except Exception as error:  # noqa: BLE001  what a backend fails with is the call's failure
            # Whoever keeps the error must not keep this frame, and with it the batch.
            error.__traceback__ = None
            failure = _cancelled(batch, error) if _is_cancellation(error) else error
            self._recovery.lost(batch, failure)
        else:
            self._settle(batch, outcome)

    def _settle(self, batch: AnyBatch, outcome: Outcome) -> None:
        if outcome.failures or len(outcome.results) < batch.size:
            self._recovery.partly(batch, outcome)
        else:
            self._dispatcher.completed(batch.first_task, outcome, batch.nbytes)
        for observer in self._observers:
            observer.batch_finished(batch.first_task, outcome)

    def _time_left(self) -> float | None:
        """Return the seconds until there is something to do even if no batch completes."""
        deadline = None if self._deadlines is None else self._deadlines.next()
        due = self._again.next_due
        if due is not None and self._dispatcher.has_room:
            deadline = due if deadline is None else min(due, deadline)
        return None if deadline is None else max(0.0, deadline - monotonic())

    def _look_at_the_clock(self) -> None:
        """Raise if a task has had its time, or give up those that the policy is to judge."""
        if self._deadlines is None:
            return
        failure = self._deadlines.exceeded()
        if failure is not None:
            raise failure
        for future, outcome in self._deadlines.give_up():
            self._deadlines.ended(future)
            self._executor.abandon(future)
            self._settle(self._in_flight.pop(future), outcome)

    def _end(self, error: BaseException | None) -> None:
        self._stop.is_up = True
        try:
            self._executor.close(abort=error is not None)
        finally:
            for observer in self._observers:
                observer.call_finished(self._dispatcher.completed_tasks, error)
            self._on_end()


def _is_cancellation(error: BaseException) -> bool:
    """Tell whether somebody cancelled a future; it takes one to import what they are made of."""
    futures = sys.modules.get("concurrent.futures._base")
    return futures is not None and isinstance(error, futures.CancelledError)


def _cancelled(batch: AnyBatch, error: BaseException) -> BackendUnavailableError:
    cancelled = BackendUnavailableError(
        f"the backend cancelled the batch of {batch.describe(0)}: its cluster was shut down, or "
        "somebody cancelled the work there"
    )
    cancelled.__cause__ = error
    return cancelled
