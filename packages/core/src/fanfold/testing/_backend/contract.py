"""Checks of the contract's methods, with batches as core makes them."""

from __future__ import annotations

from collections import Counter
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

from ...contracts.backend import BackendCapabilities, ExecutorRequest
from ...parallel import delayed
from . import tasks
from .aside import aside
from .base import BackendChecks
from .batches import collect, make_batch, make_batches, results, run

if TYPE_CHECKING:
    from ...contracts.backend import Backend, Executor
    from ...contracts.future import BatchFuture
    from .lobby import Lobby

__all__ = ["ContractChecks"]


class ContractChecks(BackendChecks):
    """Requests, batches and executors."""

    def test_the_backend_declares_itself(self, backend: Backend) -> None:
        assert isinstance(backend.name, str)
        assert backend.name
        assert isinstance(backend.capabilities, BackendCapabilities)
        assert backend.default_n_jobs != 0
        if backend.capabilities.runs_in_caller:
            assert backend.capabilities.shares_memory

    @pytest.mark.parametrize("n_jobs", [1, 2, 7])
    def test_a_request_is_an_upper_bound(self, backend: Backend, n_jobs: int) -> None:
        assert 1 <= backend.effective_n_jobs(n_jobs) <= n_jobs

    def test_a_negative_request_counts_back_from_all(self, backend: Backend) -> None:
        everything = backend.effective_n_jobs(-1)

        assert everything >= 1
        assert backend.effective_n_jobs(-2) == max(1, everything - 1)
        assert backend.effective_n_jobs(-everything - 10) == 1

    def test_a_batch_comes_back_with_the_results_of_its_tasks(
        self, backend: Backend, executor: Executor
    ) -> None:
        batch = make_batch(backend, [delayed(tasks.add)(number) for number in range(3)])

        [outcome] = run(executor, [batch], self.patience)

        assert not outcome.failures
        assert outcome.results == [1, 2, 3]

    def test_each_batch_comes_back_with_its_own_results(
        self, backend: Backend, executor: Executor
    ) -> None:
        batches = make_batches(backend, [delayed(tasks.add)(number) for number in range(20)])

        assert results(run(executor, batches, self.patience)) == list(range(1, 21))

    def test_each_task_runs_once(self, backend: Backend, executor: Executor, lobby: Lobby) -> None:
        names = [f"task {number}" for number in range(8)]
        calls = [delayed(tasks.report)(lobby.address, name) for name in names]

        run(executor, make_batches(backend, calls), self.patience)

        assert Counter(lobby.names) == Counter(names)

    def test_what_a_task_raises_is_part_of_the_outcome(
        self, backend: Backend, executor: Executor
    ) -> None:
        calls = [delayed(tasks.add)(1), delayed(tasks.fail)("no"), delayed(tasks.add)(2)]

        [outcome] = run(executor, [make_batch(backend, calls)], self.patience)

        assert outcome.results == [2]
        [failed] = outcome.failures
        assert failed.position == 1
        assert isinstance(failed.error, ValueError)
        assert failed.error.args == ("no",)

    def test_submit_does_not_wait_for_the_batch(
        self, backend: Backend, executor: Executor, lobby: Lobby
    ) -> None:
        runs_in_caller = backend.capabilities.runs_in_caller
        if runs_in_caller:
            lobby.open()  # there, it does: the batch has run when submit returns
        batch = make_batch(backend, [delayed(tasks.visit)(lobby.address, "guest")])

        came: list[BatchFuture] = []
        future = self.within(lambda: executor.submit(batch))
        future.add_done_callback(came.append)

        assert bool(came) is runs_in_caller
        lobby.open()
        collect(executor, [future], self.patience)
        assert batch.decode(future.result()).results == ["guest"]

    def test_wait_ends_after_its_timeout(
        self, backend: Backend, executor: Executor, lobby: Lobby
    ) -> None:
        completed: SimpleQueue[BatchFuture | None] = SimpleQueue()
        futures = []
        if not backend.capabilities.runs_in_caller:
            batch = make_batch(backend, [delayed(tasks.visit)(lobby.address, "guest")])
            futures = [executor.submit(batch)]

        assert self.within(lambda: executor.wait(completed, 0.1)) is None

        lobby.open()
        collect(executor, futures, self.patience)

    def test_wait_can_be_interrupted(self, backend: Backend, lobby: Lobby) -> None:
        executor = backend.executor(ExecutorRequest(n_jobs=1, interruptible=True))
        completed: SimpleQueue[BatchFuture | None] = SimpleQueue()
        if not backend.capabilities.runs_in_caller:
            batch = make_batch(backend, [delayed(tasks.visit)(lobby.address, "guest")])
            executor.submit(batch).add_done_callback(completed.put)

        waiting = aside(lambda: executor.wait(completed, None))
        completed.put(None)
        executor.interrupt()

        assert self.in_time(waiting) is None
        executor.close(abort=True)
        executor.interrupt()

    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_no_more_batches_run_at_once_than_were_asked_for(
        self, backend: Backend, lobby: Lobby, n_jobs: int
    ) -> None:
        executor = backend.executor(ExecutorRequest(n_jobs=n_jobs))
        calls = [delayed(tasks.come_and_go)(lobby.address)] * 30

        run(executor, make_batches(backend, calls), self.patience)

        executor.close()
        assert 1 <= lobby.most_at_once() <= n_jobs

    def test_as_many_batches_run_at_once_as_were_asked_for(
        self, backend: Backend, executor: Executor, lobby: Lobby
    ) -> None:
        names = ["first", "second"][: self.slots(backend)]
        calls = [delayed(tasks.visit)(lobby.address, name) for name in names]

        running = aside(lambda: run(executor, make_batches(backend, calls), self.patience))

        # Nobody goes before all have come.
        assert sorted(lobby.next_visitor().name for _ in names) == names
        lobby.open()
        outcomes = self.in_time(running)
        assert results(outcomes) == names

    def test_batches_complete_in_any_order(
        self, backend: Backend, executor: Executor, lobby: Lobby
    ) -> None:
        names = ["first", "second"][: self.slots(backend)]
        calls = [delayed(tasks.visit)(lobby.address, name) for name in names]
        if backend.capabilities.runs_in_caller:
            lobby.open()
        batches = make_batches(backend, calls)
        futures = [executor.submit(batch) for batch in batches]
        visitors = {visitor.name: visitor for visitor in (lobby.next_visitor() for _ in names)}

        for name, batch, future in reversed(list(zip(names, batches, futures, strict=True))):
            visitors[name].release()
            collect(executor, [future], self.patience)
            assert batch.decode(future.result()).results == [name]

    def test_what_is_more_than_the_engine_has_room_for_waits(self, backend: Backend) -> None:
        n_jobs = backend.effective_n_jobs(-1) + 3
        executor = backend.executor(ExecutorRequest(n_jobs=n_jobs))
        calls = [delayed(tasks.add)(number) for number in range(12)]

        outcomes = run(executor, make_batches(backend, calls), self.patience)

        executor.close()
        assert results(outcomes) == list(range(1, 13))

    def test_executors_do_not_disturb_each_other(self, backend: Backend, lobby: Lobby) -> None:
        first, second = (backend.executor(ExecutorRequest(n_jobs=n_jobs)) for n_jobs in (1, 2))
        if self.slots(backend) == 1:
            lobby.open()  # there is no room for the second beside the first
        visit = delayed(tasks.visit)(lobby.address, "guest")
        sums = [delayed(tasks.add)(number) for number in range(3)]

        batches = make_batches(backend, [visit, *sums])
        futures = [first.submit(batch) for batch in batches]
        assert results(run(second, make_batches(backend, sums), self.patience)) == [1, 2, 3]
        second.close()
        lobby.open()
        collect(first, futures, self.patience)
        first.close()

        outcomes = [
            batch.decode(future.result()) for batch, future in zip(batches, futures, strict=True)
        ]
        assert results(outcomes) == ["guest", 1, 2, 3]

    def test_an_executor_may_be_closed_more_than_once_and_from_any_thread(
        self, backend: Backend
    ) -> None:
        executor = backend.executor(ExecutorRequest(n_jobs=2))
        run(executor, make_batches(backend, [delayed(tasks.add)(1)]), self.patience)

        executor.close()
        self.within(executor.close)
        self.within(lambda: executor.close(abort=True))

        self.check_usable(backend)

    def test_an_aborted_executor_drops_what_waits(self, backend: Backend, lobby: Lobby) -> None:
        executor = backend.executor(ExecutorRequest(n_jobs=1))
        # Where submit runs the batch itself, nothing can wait behind it.
        names = ["first"] if backend.capabilities.runs_in_caller else ["first", "second", "third"]
        batches = make_batches(
            backend, [delayed(tasks.visit)(lobby.address, name) for name in names]
        )
        submitted = aside(lambda: [executor.submit(batch) for batch in batches])
        assert lobby.next_visitor().name == "first"
        if not backend.capabilities.runs_in_caller:
            self.in_time(submitted)  # now they wait

        self.within(lambda: executor.close(abort=True))

        lobby.open()
        self.in_time(submitted)
        self.check_usable(backend)
        assert lobby.names == ["first"]

    def test_a_closed_backend_may_be_used_again(self, backend: Backend) -> None:
        self.check_usable(backend)

        backend.close()
        backend.close()

        self.check_usable(backend)
