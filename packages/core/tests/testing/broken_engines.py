"""Backends that are each wrong about what waits, what runs, and what becomes of lost workers."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

from broken_backends import Carrier, Sound
from fanfold.backends.processes import ProcessesBackend
from fanfold.contracts import (
    Backend,
    Batch,
    BatchFuture,
    BoundedExecutor,
    Executor,
    ExecutorRequest,
)
from fanfold.errors import BackendUnavailableError, WorkerLostError

# What waits and what runs


class SubmitWaits(Sound):
    class executor_class(Carrier):
        def submit(self, batch: Batch) -> Future[object]:
            future = super().submit(batch)
            future.exception()
            return future


class WaitsForEver(Sound):
    class executor_class(Carrier):
        def wait(
            self, completed: SimpleQueue[BatchFuture | None], timeout: float | None
        ) -> BatchFuture | None:
            return completed.get()


class CannotBeInterrupted(Sound):
    class executor_class(Carrier):
        def wait(
            self, completed: SimpleQueue[BatchFuture | None], timeout: float | None
        ) -> BatchFuture | None:
            while (future := completed.get()) is None:
                pass
            return future


class RunsAllAtOnce(Sound):
    def executor(self, request: ExecutorRequest) -> Executor:
        return Carrier(self, 1000)


class RunsOneAtATime(Sound):
    def executor(self, request: ExecutorRequest) -> Executor:
        return Carrier(self, 1)


class RefusesMoreJobsThanWorkers(Sound):
    def executor(self, request: ExecutorRequest) -> Executor:
        if request.n_jobs > self.effective_n_jobs(-1):
            raise BackendUnavailableError("there are not so many workers")
        return super().executor(request)


class AbortsNothing(Sound):
    class executor_class(Carrier):
        def close(self, *, abort: bool = False) -> None:
            """Keep what waits."""


class ClosesOnce(Sound):
    class executor_class(Carrier):
        is_closed = False

        def close(self, *, abort: bool = False) -> None:
            assert not self.is_closed
            self.is_closed = True
            super().close(abort=abort)


class ClosesForGood(Sound):
    is_closed = False

    def close(self) -> None:
        self.is_closed = True

    def executor(self, request: ExecutorRequest) -> Executor:
        if self.is_closed:
            raise BackendUnavailableError("closed")
        return super().executor(request)


class WorksOnce(Sound):
    is_used = False

    def executor(self, request: ExecutorRequest) -> Executor:
        if self.is_used:
            raise BackendUnavailableError("used up")
        self.is_used = True
        return super().executor(request)


class WorksNever(Sound):
    def executor(self, request: ExecutorRequest) -> Executor:
        raise BackendUnavailableError("come back later")


class BreaksWhenACallIsGivenUp(Sound):
    is_broken = False

    class executor_class(Carrier):
        def start(self, batch: Batch, future: Future[object]) -> None:
            if self.backend.is_broken:
                raise BackendUnavailableError("broken")
            super().start(batch, future)

        def abort(self) -> None:
            self.backend.is_broken = True


class ClosesEverybody(Sound):
    """Who closes an executor takes along the batches of all others."""

    def __init__(self) -> None:
        self.executors: list[BoundedExecutor] = []

    class executor_class(Carrier):
        def __init__(self, backend: Any, n_jobs: int) -> None:
            super().__init__(backend, n_jobs)
            backend.executors.append(self)

        def close(self, *, abort: bool = False) -> None:
            for executor in self.backend.executors:
                BoundedExecutor.close(executor, abort=abort)


class ServesOneAfterTheOther(Sound):
    """A call holds the engine until it ends."""

    def __init__(self) -> None:
        self.engine = threading.Lock()

    def executor(self, request: ExecutorRequest) -> Executor:
        self.engine.acquire()
        return super().executor(request)

    class executor_class(Carrier):
        def close(self, *, abort: bool = False) -> None:
            super().close(abort=abort)
            if self.backend.engine.locked():
                self.backend.engine.release()


# What becomes of lost workers


class ChangesLosses(Backend):
    """Processes, but what is told of a lost worker is changed."""

    name = "processes"
    capabilities = ProcessesBackend.capabilities

    def __init__(self) -> None:
        self.engine = ProcessesBackend()
        self.has_lost = False

    def effective_n_jobs(self, n_jobs: int) -> int:
        return self.engine.effective_n_jobs(n_jobs)

    def executor(self, request: ExecutorRequest) -> Executor:
        return LossesExecutor(self, self.engine.executor(request))

    def lose(self, error: BaseException, future: Future[object]) -> None:
        raise NotImplementedError


class LossesExecutor(Executor):
    def __init__(self, backend: ChangesLosses, executor: Executor) -> None:
        self.backend = backend
        self.inner = executor

    def submit(self, batch: Batch) -> Future[object]:
        future: Future[object] = Future()

        def pass_on(done: BatchFuture) -> None:
            try:
                outcome = done.result()
            except WorkerLostError as error:
                self.backend.has_lost = True
                self.backend.lose(error, future)
            else:
                future.set_result(outcome)

        self.inner.submit(batch).add_done_callback(pass_on)
        return future

    def wait(
        self, completed: SimpleQueue[BatchFuture | None], timeout: float | None
    ) -> BatchFuture | None:
        return self.inner.wait(completed, timeout)

    def interrupt(self) -> None:
        self.inner.interrupt()

    def close(self, *, abort: bool = False) -> None:
        self.inner.close(abort=abort)


class HangsWithItsWorkers(ChangesLosses):
    def lose(self, error: BaseException, future: Future[object]) -> None:
        """Tell nobody."""


class TellsOfAnyError(ChangesLosses):
    def lose(self, error: BaseException, future: Future[object]) -> None:
        future.set_exception(RuntimeError(str(error)))


class NamesNoTask(ChangesLosses):
    def lose(self, error: BaseException, future: Future[object]) -> None:
        future.set_exception(WorkerLostError("a worker ended"))


class BlamesAnotherTask(ChangesLosses):
    def lose(self, error: BaseException, future: Future[object]) -> None:
        assert isinstance(error, WorkerLostError)
        assert error.task_index is not None
        future.set_exception(WorkerLostError(str(error), task_index=error.task_index - 1))


class NeverRecovers(ChangesLosses):
    def lose(self, error: BaseException, future: Future[object]) -> None:
        future.set_exception(error)

    def executor(self, request: ExecutorRequest) -> Executor:
        if self.has_lost:
            raise BackendUnavailableError("too few workers")
        return super().executor(request)
