"""Backends that each declare or give back something wrong, and one that does not."""

from __future__ import annotations

import pickle
import threading
from collections import deque
from concurrent.futures import Future
from typing import Any, ClassVar

from fanfold import run_batch
from fanfold.backends.processes import ProcessesBackend
from fanfold.backends.sequential import SequentialBackend
from fanfold.backends.threads import ThreadsBackend
from fanfold.contracts import (
    Backend,
    BackendCapabilities,
    Batch,
    BoundedExecutor,
    Executor,
    ExecutorRequest,
    resolve_n_jobs,
)
from fanfold.errors import BackendUnavailableError


class Carrier(BoundedExecutor):
    """Carries batches as bytes to threads, as an engine would to other processes.

    What comes back is a tuple of times, results, sizes and failures, then buffers and what tasks
    told. The sound one takes it apart as well as those that change some of it: if it could not, all
    of them would be caught, and not for what is broken.
    """

    def __init__(self, backend: Any, n_jobs: int) -> None:
        super().__init__(n_jobs)
        self.backend = backend

    def start(self, batch: Batch, future: Future[object]) -> None:
        threading.Thread(target=self.deliver, args=(batch, future), daemon=True).start()

    def deliver(self, batch: Batch, future: Future[object]) -> None:
        try:
            outcome = self.carry(batch)
        except Exception as error:
            future.set_exception(error)
        else:
            future.set_result(outcome)

    def carry(self, batch: Batch) -> bytes:
        outcome, buffers, told = pickle.loads(run_batch(batch.payload, *batch.shared))
        seconds, results, *sizes, failures = outcome
        outcome = seconds, self.change_results(results), *sizes, self.change_failures(failures)
        return pickle.dumps((outcome, self.change_buffers(buffers), told))

    def change_results(self, results: list[bytes]) -> list[bytes]:
        return results

    def change_failures(self, failures: list[Any]) -> list[Any]:
        return failures

    def change_buffers(self, buffers: list[Any]) -> list[Any]:
        return buffers

    def put(self, data: memoryview) -> object:
        return bytes(data)

    def abort(self) -> None:
        """Let what runs go on."""


class Sound(Backend):
    """Keeps the contract, apart from lost workers: there are none."""

    name = "sound"
    capabilities = BackendCapabilities(stores_objects=True)
    executor_class: ClassVar[Any] = Carrier

    def effective_n_jobs(self, n_jobs: int) -> int:
        return resolve_n_jobs(n_jobs, 2)

    def executor(self, request: ExecutorRequest) -> Executor:
        executor: Executor = self.executor_class(self, request.n_jobs)
        return executor


# What is declared


class HasNoName(Sound):
    name = ""


class DeclaresAnything(Sound):
    capabilities: ClassVar[Any] = {"spans_hosts"}


class HasZeroJobsByDefault(Sound):
    default_n_jobs = 0


class RunsInCallerAndShareNothing(Sound):
    capabilities = BackendCapabilities(runs_in_caller=True)


class HasNoWorkers(Sound):
    def effective_n_jobs(self, n_jobs: int) -> int:
        return 0


class HasMoreWorkersThanAskedFor(Sound):
    def effective_n_jobs(self, n_jobs: int) -> int:
        return 4


class DoesNotCountBack(Sound):
    def effective_n_jobs(self, n_jobs: int) -> int:
        return abs(n_jobs)


class DeclaresStopping(Sound):
    capabilities = BackendCapabilities(stores_objects=True, stops_running_tasks=True)


class StopsUndeclared(ProcessesBackend):
    capabilities = BackendCapabilities()


class DeclaresStoring(Sound):
    class executor_class(Carrier):
        put = Executor.put


class StoresUndeclared(Sound):
    capabilities = BackendCapabilities()


class StoresTheBeginning(Sound):
    class executor_class(Carrier):
        def put(self, data: memoryview) -> object:
            return bytes(data[: 1 << 20])


class StoresNoCopy(Sound):
    class executor_class(Carrier):
        def put(self, data: memoryview) -> object:
            return data


class DeclaresSharing(Sound):
    capabilities = BackendCapabilities(shares_memory=True)


class DeclaresRunningInCaller(ThreadsBackend):
    capabilities = BackendCapabilities(shares_memory=True, runs_in_caller=True)


class RunsInCallerUndeclared(SequentialBackend):
    capabilities = BackendCapabilities(shares_memory=True)

    def effective_n_jobs(self, n_jobs: int) -> int:
        return resolve_n_jobs(n_jobs, 2)


class DeclaresInnerThreads(Sound):
    capabilities = BackendCapabilities(stores_objects=True, limits_inner_threads=True)


class DeclaresTaskTime(Sound):
    capabilities = BackendCapabilities(stores_objects=True, limits_task_time=True)


class DeclaresHosts(Sound):
    capabilities = BackendCapabilities(stores_objects=True, spans_hosts=True)

    class executor_class(Carrier):
        def start(self, batch: Batch, future: Future[object]) -> None:
            self.deliver(batch, future)


class HasNoCpus(Sound):
    def cpus_per_task(self, n_jobs: int) -> int:
        return 0


class NestsInNoBackend(Sound):
    def nested_backend(self) -> str:
        return "no such backend"


# What comes back


class DropsTheTail(Sound):
    class executor_class(Carrier):
        def change_results(self, results: list[bytes]) -> list[bytes]:
            return results[:-1]


class SwallowsExceptions(Sound):
    class executor_class(Carrier):
        def change_failures(self, failures: list[Any]) -> list[Any]:
            return []


class TellsOfOneFailureOnly(Sound):
    class executor_class(Carrier):
        def change_failures(self, failures: list[Any]) -> list[Any]:
            return failures[:1]


class GivesReadOnlyBuffers(Sound):
    class executor_class(Carrier):
        def change_buffers(self, buffers: list[Any]) -> list[Any]:
            return [bytes(buffer) for buffer in buffers]


class GivesTheSameAgain(Sound):
    """Remembers the outcome of the first batch with a label."""

    def __init__(self) -> None:
        self.outcomes: dict[str, bytes] = {}

    class executor_class(Carrier):
        def carry(self, batch: Batch) -> bytes:
            outcomes: dict[str, bytes] = self.backend.outcomes
            if batch.label not in outcomes:
                outcomes[batch.label] = super().carry(batch)
            return outcomes[batch.label]


class RunsTwice(Sound):
    class executor_class(Carrier):
        def carry(self, batch: Batch) -> bytes:
            super().carry(batch)
            return super().carry(batch)


class AnswersWhoeverWaitsLongest(Sound):
    """Completes the oldest future with whichever outcome comes next."""

    class executor_class(Carrier):
        def __init__(self, backend: Any, n_jobs: int) -> None:
            super().__init__(backend, n_jobs)
            self.futures: deque[Future[object]] = deque()

        def start(self, batch: Batch, future: Future[object]) -> None:
            self.futures.append(future)
            super().start(batch, future)

        def deliver(self, batch: Batch, future: Future[object]) -> None:
            outcome = self.carry(batch)
            self.futures.popleft().set_result(outcome)


class AnswersInOrder(Sound):
    """Completes a future only when all before it are complete."""

    class executor_class(Carrier):
        def __init__(self, backend: Any, n_jobs: int) -> None:
            super().__init__(backend, n_jobs)
            self.last: Future[object] = Future()
            self.last.set_result(None)

        def start(self, batch: Batch, future: Future[object]) -> None:
            before, self.last = self.last, future
            threading.Thread(target=self.follow, args=(batch, future, before), daemon=True).start()

        def follow(self, batch: Batch, future: Future[object], before: Future[object]) -> None:
            outcome = self.carry(batch)
            before.result()
            future.set_result(outcome)


class LosesBatches(Sound):
    """Never completes every second."""

    class executor_class(Carrier):
        started = 0

        def start(self, batch: Batch, future: Future[object]) -> None:
            self.started += 1
            if self.started % 2:
                super().start(batch, future)


class KnowsOnlyNamedFunctions(Sound):
    class executor_class(Carrier):
        def start(self, batch: Batch, future: Future[object]) -> None:
            if b"cloudpickle" in batch.payload:
                raise BackendUnavailableError("what is this?")
            super().start(batch, future)


class HasNoRoomForLargeBatches(Sound):
    class executor_class(Carrier):
        def start(self, batch: Batch, future: Future[object]) -> None:
            if len(batch.payload) > 1 << 20:
                raise BackendUnavailableError("too many bytes")
            super().start(batch, future)


class HasNoRoomForManyTasks(Sound):
    class executor_class(Carrier):
        def start(self, batch: Batch, future: Future[object]) -> None:
            if batch.size > 5:
                raise BackendUnavailableError("too many tasks")
            super().start(batch, future)
