"""One call of Parallel: the thin layer between the dispatcher, which decides, and the executor.

The road of the data: the feeder takes tasks and makes a batch, the executor runs it, its future
comes back through ``completed``, the batch decodes it, the dispatcher puts results in order, and
:meth:`Call.results` or :meth:`Call.stream` hands them on. All of it in the thread that made the
call or consumes its results.
"""

from __future__ import annotations

import sys
from queue import SimpleQueue
from time import monotonic

from ..errors import BackendUnavailableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from threading import Event
    from typing import Any, TypeAlias

    from ..contracts.backend import Executor
    from ..contracts.future import BatchFuture
    from ..tasks.batches import EncodedBatch
    from ..tasks.local import LocalBatch
    from ._dispatcher import Dispatcher
    from ._feeding import Feeder
    from ._observing import Observer

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
    timeout : float or None
        How many seconds each task may take.
    stopped : threading.Event
        Set when it ends, so that tasks which have not begun need not. It is not the call's own,
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
        *,
        timeout: float | None,
        stopped: Event,
        observers: Sequence[Observer],
        on_end: Callable[[], object],
    ) -> None:
        self._executor = executor
        self._dispatcher = dispatcher
        self._feeder = feeder
        self._timeout = timeout
        self._stopped = stopped
        self._observers = observers
        self._on_end = on_end
        self._in_flight: dict[BatchFuture, tuple[int, AnyBatch]] = {}
        self._submitted_at: dict[int, tuple[float, AnyBatch]] = {}
        self._completed: SimpleQueue[BatchFuture | None] = SimpleQueue()

    def stop(self) -> None:
        """End the call from another thread than the one that runs it."""
        self._stopped.set()
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
        while (size := dispatcher.next_size()) > 0:
            batch = feeder.take(dispatcher.submitted_tasks, size)
            if batch is None:
                dispatcher.end_of_input()
                return
            future = self._executor.submit(batch)
            number = dispatcher.submitted(batch.size)
            if feeder.exhausted:
                dispatcher.end_of_input()
            self._in_flight[future] = number, batch
            if self._timeout is not None:
                self._submitted_at[number] = monotonic(), batch
            future.add_done_callback(self._completed.put)

    def _wait(self) -> None:
        """Wait for a batch to complete, and take in all that have."""
        future = self._executor.wait(self._completed, self._time_left())
        if self._stopped.is_set():
            raise CallStoppedError
        if future is None:
            raise self._timed_out()
        while future is not None:
            self._take_in(future)
            future = None if self._completed.empty() else self._completed.get()

    def _take_in(self, future: BatchFuture) -> None:
        number, batch = self._in_flight.pop(future)
        if self._timeout is not None:
            del self._submitted_at[number]
        try:
            outcome = batch.decode(future.result())
        except Exception as error:  # noqa: BLE001  what a backend fails with is the call's failure
            # Whoever keeps the error must not keep this frame, and with it the batch.
            error.__traceback__ = None
            self._lost(number, _cancelled(batch, error) if _is_cancellation(error) else error)
        else:
            self._dispatcher.completed(number, outcome, batch.nbytes)
            for observer in self._observers:
                observer.batch_finished(batch.first_task, outcome)

    def _lost(self, number: int, error: Exception) -> None:
        self._dispatcher.lost(number, error)
        for observer in self._observers:
            observer.batch_lost(error)

    def _time_left(self) -> float | None:
        """Return the seconds until the oldest task in flight has had its time."""
        oldest = self._dispatcher.oldest_in_flight
        if self._timeout is None or oldest is None:
            return None
        return max(0.0, self._submitted_at[oldest][0] + self._timeout - monotonic())

    def _timed_out(self) -> Exception:
        from ..errors import TaskTimeoutError

        oldest = self._dispatcher.oldest_in_flight
        assert oldest is not None
        task = self._submitted_at[oldest][1].describe(0)
        return TaskTimeoutError(
            f"{task} did not finish within timeout={self._timeout} seconds. Give it more time, or "
            "find out what it waits for"
        )

    def _end(self, error: BaseException | None) -> None:
        self._stopped.set()
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
