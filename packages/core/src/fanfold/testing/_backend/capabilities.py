"""Checks of what a backend declares: it holds; and what it does not declare is refused, or so."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from ...contracts.backend import ExecutorRequest
from ...errors import InvalidArgumentError, UnsupportedOperationError
from ...parallel import Parallel, cpu_count, delayed, parallel_config
from ...plugins import backends
from ...tasks.storing import Storage
from . import tasks
from .aside import aside
from .base import BackendChecks
from .batches import make_batch, make_batches, results, run

if TYPE_CHECKING:
    from ...contracts.backend import Backend, Executor
    from .lobby import Lobby

__all__ = ["CapabilityChecks"]


class CapabilityChecks(BackendChecks):
    """What is declared and what is not."""

    def test_stops_running_tasks(self, backend: Backend, lobby: Lobby) -> None:
        executor = backend.executor(ExecutorRequest(n_jobs=1))
        batch = make_batch(backend, [delayed(tasks.visit)(lobby.address, "guest")])
        submitted = aside(lambda: executor.submit(batch))
        visitor = lobby.next_visitor()

        self.within(lambda: executor.close(abort=True))

        if backend.capabilities.stops_running_tasks:
            assert not visitor.has_said_goodbye()  # though nobody has let it go
        else:
            visitor.release()
            assert visitor.has_said_goodbye()  # it goes on to its end
        self.in_time(submitted)

    @pytest.mark.parametrize("mode", ["r", "c", "w"])
    def test_stores_objects(self, backend: Backend, executor: Executor, mode: str) -> None:
        content = os.urandom(executor.least_put + 1)
        if not backend.capabilities.stores_objects:
            with pytest.raises(UnsupportedOperationError, match="stores_objects"):
                executor.put(memoryview(content))
            return
        block = tasks.Block(bytearray(content))
        storage = Storage(executor.put, executor.least_put, executor.least_put, mode)

        batches = make_batches(backend, [delayed(tasks.read)(block)] * 3, storage)
        block.data[:] = bytes(len(content))  # what was put was copied

        assert max(len(batch.payload) for batch in batches) < 1000
        expected = tasks.digest(content), mode != "r"
        assert results(run(executor, batches, self.patience)) == [expected] * 3

    def test_shares_memory(self, backend: Backend) -> None:
        values: list[int] = []

        self.call(backend, [delayed(tasks.append)(values, number) for number in range(3)])

        is_shared = backend.capabilities.shares_memory or self.runs_here(backend)
        assert sorted(values) == ([0, 1, 2] if is_shared else [])

    def test_shared_memory_can_be_required_where_it_is_declared(self, backend: Backend) -> None:
        calls = [delayed(tasks.add)(number) for number in range(3)]

        if backend.capabilities.shares_memory:
            assert self.call(backend, calls, require="sharedmem") == [1, 2, 3]
        else:
            with pytest.raises(InvalidArgumentError, match="does not support shared memory"):
                self.call(backend, calls, require="sharedmem")

    def test_runs_in_caller(self, backend: Backend, executor: Executor) -> None:
        batch = make_batch(backend, [delayed(tasks.where)()])

        [place] = results(run(executor, [batch], self.patience))

        is_here = place == (os.getpid(), threading.get_ident())
        assert is_here is backend.capabilities.runs_in_caller

    def test_spans_hosts(self, backend: Backend) -> None:
        def call_and_look() -> bool:
            calls = [delayed(tasks.where)()]
            [place] = Parallel(n_jobs=1, backend=backend)(calls)
            return bool(place == (os.getpid(), threading.get_ident()))

        # One local worker is the calling thread. On a cluster one worker is a worker: it may have
        # what this machine lacks.
        assert self.within(call_and_look) is not backend.capabilities.spans_hosts

    def test_limits_inner_threads(self, backend: Backend) -> None:
        def call_with_limit() -> list[set[int]]:
            with parallel_config(backend=backend, inner_max_num_threads=3):
                if backend.capabilities.shares_memory:
                    tasks.inner_threads()  # libraries that a task loads may be limited later
                limits: list[set[int]] = Parallel(n_jobs=2)([delayed(tasks.inner_threads)()] * 2)
                return limits

        if backend.capabilities.limits_inner_threads:
            assert all(3 in limits for limits in self.within(call_with_limit))
        else:
            with pytest.raises(InvalidArgumentError, match="does not limit the threads"):
                self.within(call_with_limit)

    def test_nested_calls_have_a_backend(self, backend: Backend) -> None:
        name = backend.nested_backend()

        assert name is None or name in backends.names()

    def test_a_task_counts_its_share_of_the_cpus(self, backend: Backend) -> None:
        n_jobs = backend.effective_n_jobs(2)
        share = backend.cpus_per_task(n_jobs)

        counts = self.call(backend, [delayed(cpu_count)()] * 2)

        assert share >= 1
        if not backend.capabilities.runs_in_caller:  # a loop is no level of its own
            assert all(1 <= count <= share for count in counts)
