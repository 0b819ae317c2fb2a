"""Checks of lost workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ...contracts.backend import ExecutorRequest
from ...errors import WorkerLostError
from ...parallel import Parallel, TaskFailure, delayed
from . import tasks
from .aside import aside
from .base import BackendChecks
from .batches import collect, make_batch

if TYPE_CHECKING:
    from ...contracts.backend import Backend
    from ...tasks.naming import Task
    from .lobby import Lobby

__all__ = ["FaultChecks"]


class FaultChecks(BackendChecks):
    """A task that ends its worker is an error that names it, and the next call finds another."""

    def test_the_future_of_a_lost_worker_is_completed(self, backend: Backend) -> None:
        if not self.check_separate(backend):
            return
        executor = backend.executor(ExecutorRequest(n_jobs=1))
        batch = make_batch(backend, [delayed(tasks.exit_worker)()], first_task=3)

        future = executor.submit(batch)
        collect(executor, [future], self.patience)

        with pytest.raises(WorkerLostError, match=r"task 3\b.*exit_worker"):
            future.result()
        executor.close(abort=True)
        self.check_usable(backend)

    def test_a_task_that_ends_its_worker_is_named(self, backend: Backend) -> None:
        if not self.check_separate(backend):
            return
        calls = [delayed(tasks.add)(1), delayed(tasks.add)(2), delayed(tasks.exit_worker)()]

        # One batch at a time, so that no other task can be on the worker that is lost.
        with pytest.raises(WorkerLostError, match=r"task 2\b.*exit_worker"):
            self.call(backend, calls, pre_dispatch=1, batch_size=1)

        self.check_usable(backend)

    def test_a_lost_worker_loses_only_what_it_ran(self, backend: Backend) -> None:
        if not self.check_separate(backend):
            return
        calls: list[Task] = [delayed(tasks.add)(number) for number in range(8)]
        calls[5] = delayed(tasks.exit_worker)()

        # One batch at a time: an engine may blame all that was on the worker.
        options: dict[str, Any] = {"pre_dispatch": 1, "batch_size": 4, "on_error": "return"}
        results = self.call(backend, calls, **options)

        failure = results.pop(5)
        assert isinstance(failure, TaskFailure)
        assert isinstance(failure.exception, WorkerLostError)
        assert failure.index == 5
        assert "exit_worker" in str(failure.exception)
        assert results == [1, 2, 3, 4, 5, 7, 8]
        self.check_usable(backend)

    def test_a_task_whose_worker_is_killed_is_named_or_runs_again(
        self, backend: Backend, lobby: Lobby
    ) -> None:
        if not self.check_separate(backend):
            return
        names = ["first", "second"][: self.slots(backend)]
        calls = [delayed(tasks.visit)(lobby.address, name) for name in names]

        results = aside(lambda: Parallel(n_jobs=2, backend=backend, batch_size=1)(calls))
        visitors = {visitor.name: visitor for visitor in (lobby.next_visitor() for _ in names)}
        killed = visitors[names[-1]]
        self.kill_worker(killed.pid)
        assert not killed.has_said_goodbye()
        lobby.open()

        if isinstance(results.exception(self.patience), WorkerLostError):
            there = [str(n) for n, name in enumerate(names) if visitors[name].pid == killed.pid]
            with pytest.raises(WorkerLostError, match=rf"task ({'|'.join(there)})\b.*visit"):
                results.result()
        else:
            assert results.result() == names
        self.check_usable(backend)
