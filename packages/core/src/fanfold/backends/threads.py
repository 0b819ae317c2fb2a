"""The threads backend: batches run on threads of the calling process, reused between calls."""

from __future__ import annotations

import os
import threading
from _queue import Empty, SimpleQueue  # queue itself imports four modules more

from .._cpu import cpu_count, resolve_n_jobs
from .._interrupts import InterruptsHeld
from ..contracts.backend import Backend, BackendCapabilities, Batch, Executor, ExecutorRequest
from ..errors import BackendUnavailableError
from .inner_threads import limit_as_asked, limit_to_share
from .light_future import LightFuture

__all__ = ["ThreadsBackend"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from ..contracts.future import BatchFuture
    from .inner_threads import ThreadLimit

    Work: TypeAlias = SimpleQueue[tuple[Batch, LightFuture] | None]


class _Worker(threading.Thread):
    """A thread that serves one executor after the other.

    It is a daemon, so a task that never ends does not keep the interpreter from ending.
    """

    def __init__(self, stock: _Stock) -> None:
        try:
            super().__init__(name="fanfold-worker", daemon=True)
        except RuntimeError as error:
            raise BackendUnavailableError(
                f"the threads backend cannot start threads in this interpreter ({error}): use "
                "backend='sequential' in tasks that run on interpreters"
            ) from error
        self._stock = stock
        self._assignments: SimpleQueue[tuple[Work, ThreadLimit | None] | None] = SimpleQueue()

    def assign(self, work: Work, limit: ThreadLimit | None) -> None:
        """Serve this queue until it gives None, under a limit."""
        self._assignments.put((work, limit))

    def end(self) -> None:
        """Let the thread end when it has nothing to do."""
        self._assignments.put(None)

    def run(self) -> None:
        """Serve what is assigned."""
        while (assignment := self._assignments.get()) is not None:
            work, limit = assignment
            held = limit.hold_in_this_thread() if limit is not None else None
            while (item := work.get()) is not None:
                was_awaited = _run(*item)
                del item  # its arguments and results must not live until the next one
                if not was_awaited:
                    break  # another thread has taken over
            del work, assignment
            if held is not None:
                held.put_back()
            if not self._stock.give_back(self):
                return


def _run(batch: Batch, future: LightFuture) -> bool:
    """Run a batch, and tell whether somebody still waited for it."""
    try:
        outcome = batch.run()
    except BaseException as error:  # noqa: BLE001  SystemExit and the like belong to the caller
        return future.complete(None, error)
    return future.complete(outcome)


class _Stock:
    """The idle threads of this process."""

    MOST_IDLE = 64

    def __init__(self) -> None:
        self.reset()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.reset)

    def reset(self) -> None:
        """Forget all threads: a forked child has none of its parent's."""
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []

    def take(self) -> _Worker:
        """Return an idle thread, or a new one."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
        worker = _Worker(self)
        worker.start()
        return worker

    def give_back(self, worker: _Worker) -> bool:
        """Keep an idle thread, and tell whether it is kept."""
        with self._lock:
            if len(self._idle) >= self.MOST_IDLE:
                return False
            self._idle.append(worker)
            return True

    def clear(self) -> None:
        """End all idle threads."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.end()


_stock = _Stock()


class ThreadsExecutor(Executor):
    """Runs batches on threads of its own, taken as they are needed.

    Parameters
    ----------
    n_jobs : int
        How many threads at the most.
    limit : ThreadLimit or None
        What limits the numeric libraries in tasks.
    """

    _closing: threading.Lock | None = None  # until there is something to close

    def __init__(self, n_jobs: int, limit: ThreadLimit | None) -> None:
        self._n_jobs = n_jobs
        self._limit = limit
        self._n_threads = 0
        self._work: Work = SimpleQueue()
        with InterruptsHeld():
            if limit is not None:
                limit.hold()
            self._closing = threading.Lock()

    def __del__(self) -> None:
        """Let the threads go if a call was interrupted before it could."""
        self.close(abort=True)

    def submit(self, batch: Batch) -> LightFuture:
        """Queue the batch for the next free thread."""
        future = LightFuture()
        self._work.put((batch, future))
        if self._n_threads < self._n_jobs:
            self._add_thread()
        return future

    def abandon(self, future: BatchFuture) -> None:
        """Leave a thread to its task, which goes on, and take another in its place."""
        assert isinstance(future, LightFuture)
        # Whoever completes the future first decides whether its thread goes on with other batches.
        if future.complete(None):
            self._add_thread()

    def close(self, *, abort: bool = False) -> None:
        """Let the threads go; with `abort`, drop what no thread has begun."""
        with InterruptsHeld():
            if self._closing is None or not self._closing.acquire(blocking=False):
                return
            if abort:
                self._drop_waiting()
            for _ in range(self._n_threads):
                self._work.put(None)
            if self._limit is not None:
                self._limit.release()

    def _add_thread(self) -> None:
        with InterruptsHeld():
            _stock.take().assign(self._work, self._limit)
            self._n_threads += 1

    def _drop_waiting(self) -> None:
        try:
            while True:
                self._work.get_nowait()
        except Empty:
            return


class ThreadsBackend(Backend):
    """Threads of the calling process: they share its memory, and its GIL where it has one.

    While a call runs, BLAS and OpenMP libraries use as many threads in the whole process as
    ``inner_max_num_threads`` says, else the environment, else so many that all workers together use
    each CPU once. That takes threadpoolctl; without it, ``inner_max_num_threads`` is an error.
    Libraries that a task loads are limited from the next call on.
    """

    name = "threads"
    capabilities = BackendCapabilities(shares_memory=True, limits_inner_threads=True)

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Return `n_jobs`, or what negative numbers leave of the CPUs."""
        return n_jobs if n_jobs > 0 else resolve_n_jobs(n_jobs, cpu_count())

    def executor(self, request: ExecutorRequest) -> ThreadsExecutor:
        """Return an executor for one call.

        Raises
        ------
        fanfold.errors.MissingExtraError
            If the request limits inner threads, and threadpoolctl is not installed.
        """
        asked = request.inner_max_num_threads
        if asked is not None:
            return ThreadsExecutor(request.n_jobs, limit_as_asked(asked))
        limit = limit_to_share(self.cpus_per_task(request.n_jobs))
        return ThreadsExecutor(request.n_jobs, limit)

    def close(self) -> None:
        """End the threads that are idle."""
        _stock.clear()
