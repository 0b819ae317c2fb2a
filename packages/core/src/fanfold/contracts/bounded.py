"""An executor for engines that would run at once whatever they are given."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from concurrent.futures import Future
from threading import Lock

from .backend import Batch, Executor

__all__ = ["BoundedExecutor"]


class BoundedExecutor(Executor):
    """An executor that gives its engine a bounded number of batches and keeps the others waiting.

    It guarantees: no more than `n_jobs` batches are with the engine at once; they get there in the
    order in which they were submitted, each as soon as one before it is complete; and a batch that
    the engine does not take has its future completed with the reason.

    *Required*: :meth:`start` and :meth:`abort`.

    Parameters
    ----------
    n_jobs : int
        How many batches the engine may have, 1 or more.
    """

    def __init__(self, n_jobs: int) -> None:
        self._room = n_jobs
        self._waiting: deque[tuple[Batch, Future[object]]] = deque()
        self._lock = Lock()
        self._is_aborted = False

    @abstractmethod
    def start(self, batch: Batch, future: Future[object]) -> None:
        """Give a batch to the engine, and arrange that the future is completed exactly once.

        It is called in the thread that submits, or in whichever thread completes a future, so it
        must not wait for another batch.

        Raises
        ------
        Exception
            Whatever keeps the engine from taking the batch; it becomes the future's exception.
        """

    @abstractmethod
    def abort(self) -> None:
        """Drop what was started and has not begun; end what runs, where that is declared.

        Called by :meth:`close` with ``abort=True``, from any thread, perhaps more than once.
        """

    def submit(self, batch: Batch) -> Future[object]:
        """Start the batch, or let it wait until there is room."""
        future: Future[object] = Future()
        with self._lock:
            self._waiting.append((batch, future))
        self._start_waiting()
        return future

    def close(self, *, abort: bool = False) -> None:
        """Forget what waits, and with `abort` call :meth:`abort`."""
        with self._lock:
            self._waiting.clear()
        if abort:
            self._is_aborted = True
            self.abort()

    def _start_waiting(self) -> None:
        while (entry := self._take_next()) is not None:
            batch, future = entry
            try:
                self.start(batch, future)
            except Exception as error:  # noqa: BLE001  why the engine refused is for the caller
                self._add_room()
                future.set_exception(error)
                continue
            future.add_done_callback(self._make_room)
            if self._is_aborted:
                self.abort()  # another thread closed while this batch was on its way

    def _take_next(self) -> tuple[Batch, Future[object]] | None:
        with self._lock:
            if not self._room or not self._waiting:
                return None
            self._room -= 1
            return self._waiting.popleft()

    def _add_room(self) -> None:
        with self._lock:
            self._room += 1

    def _make_room(self, _: Future[object]) -> None:
        self._add_room()
        self._start_waiting()
