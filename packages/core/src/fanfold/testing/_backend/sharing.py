"""Checks of a backend that has many users at once."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from ...parallel import Parallel, delayed
from . import tasks
from .aside import aside
from .base import BackendChecks

if TYPE_CHECKING:
    from ...contracts.backend import Backend
    from .lobby import Lobby

__all__ = ["SharingChecks"]

_CALLS = 5


class SharingChecks(BackendChecks):
    """Calls side by side."""

    def test_many_threads_may_call_at_once(self, backend: Backend) -> None:
        requests = (1, 2, 3, backend.effective_n_jobs(-1) + 1)
        barrier = threading.Barrier(len(requests))

        def use(n_jobs: int) -> list[list[int]]:
            barrier.wait(self.patience)
            return [
                Parallel(n_jobs=n_jobs, backend=backend)(
                    delayed(tasks.add)(number, n_jobs) for number in range(10)
                )
                for _ in range(_CALLS)
            ]

        calls = [aside(partial(use, n_jobs)) for n_jobs in requests]

        for n_jobs, call in zip(requests, calls, strict=True):
            assert self.in_time(call) == [[number + n_jobs for number in range(10)]] * _CALLS

    def test_a_failure_does_not_disturb_another_call(self, backend: Backend, lobby: Lobby) -> None:
        visits = [delayed(tasks.visit)(lobby.address, "guest")]
        other = aside(lambda: Parallel(n_jobs=2, backend=backend)(visits))
        visitor = lobby.next_visitor()

        failures = (delayed(tasks.fail)("no") for _ in range(3))
        failing = aside(lambda: Parallel(n_jobs=2, backend=backend)(failures))
        if self.slots(backend) > 1 or not backend.capabilities.spans_hosts:
            assert isinstance(failing.exception(self.patience), ValueError)

        visitor.release()
        assert self.in_time(other) == ["guest"]
        assert isinstance(failing.exception(self.patience), ValueError)
