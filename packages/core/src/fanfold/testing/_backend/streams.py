"""Checks of generators, of how far a call runs ahead, and of how it is given up."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, Any

import pytest

from ...errors import FanfoldWarning, TaskTimeoutError
from ...parallel import Parallel, delayed
from . import tasks
from .aside import aside
from .base import BackendChecks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...contracts.backend import Backend
    from ...tasks.naming import Task
    from .lobby import Lobby

__all__ = ["StreamChecks"]


class StreamChecks(BackendChecks):
    """Results one by one."""

    def test_a_generator_gives_results_in_order(self, backend: Backend) -> None:
        calls = (delayed(tasks.add)(n) for n in range(50))

        results = self.stream(backend, calls, batch_size=4)  # many batches, however quick it is

        assert results == list(range(1, 51))

    def test_an_unordered_generator_gives_every_result_once(self, backend: Backend) -> None:
        calls = (delayed(tasks.add)(n) for n in range(50))

        results = self.stream(backend, calls, return_as="generator_unordered", batch_size=4)

        assert sorted(results) == list(range(1, 51))

    def test_an_unordered_generator_gives_first_what_ends_first(
        self, backend: Backend, lobby: Lobby
    ) -> None:
        slots = self.slots(backend)
        calls = [delayed(tasks.visit)(lobby.address, name) for name in ("first", "second")]
        results = Parallel(
            n_jobs=2, backend=backend, return_as="generator_unordered", batch_size=1
        )(calls)

        given = aside(lambda: next(results))
        visitors = [lobby.next_visitor() for _ in range(slots)]
        released = max(visitors, key=lambda visitor: visitor.name)
        released.release()
        assert self.in_time(given) == released.name

        lobby.open()
        rest = self.within(lambda: list(results))
        assert sorted([released.name, *rest]) == ["first", "second"]

    def test_the_input_runs_in_the_thread_that_takes_the_results(self, backend: Backend) -> None:
        threads = set()

        def look_and_yield() -> Iterator[Task]:
            for number in range(20):
                threads.add(threading.get_ident())
                yield delayed(tasks.add)(number)

        def take() -> int:
            calls = look_and_yield()
            for _ in Parallel(n_jobs=2, backend=backend, return_as="generator")(calls):
                pass
            return threading.get_ident()

        thread = self.within(take)
        assert threads == {thread}

    def test_a_closed_generator_ends_the_call(self, backend: Backend) -> None:
        taken = itertools.count()
        calls = (delayed(tasks.add)(number) for number in taken)
        results = Parallel(n_jobs=2, backend=backend, return_as="generator")(calls)

        assert self.within(lambda: next(results)) == 1
        self.within(results.close)

        seen = next(taken)
        self.check_usable(backend)
        assert next(taken) == seen + 1

    def test_a_slow_consumer_stops_the_input(self, backend: Backend) -> None:
        taken = itertools.count()
        calls = (delayed(tasks.add)(number) for number in itertools.islice(taken, 100))
        results = Parallel(n_jobs=2, backend=backend, return_as="generator", pre_dispatch=2)(calls)

        for number in range(3):
            assert self.within(lambda: next(results)) == number + 1

        assert next(taken) <= 3 + 2
        self.within(results.close)

    def test_a_task_that_takes_too_long_is_named(self, backend: Backend, lobby: Lobby) -> None:
        calls = [delayed(tasks.visit)(lobby.address, "guest")]
        if self.runs_here(backend):
            lobby.open()
            with pytest.warns(FanfoldWarning, match="timeout=0.2 is not applied"):
                assert self.call(backend, calls, timeout=0.2) == ["guest"]
            return

        with pytest.raises(TaskTimeoutError, match=r"task 0: .*visit.* timeout=0.2") as caught:
            self.call(backend, calls, timeout=0.2)

        assert isinstance(caught.value, TimeoutError)
        if backend.capabilities.stops_running_tasks and lobby.names:
            assert not lobby.next_visitor().has_said_goodbye()
        lobby.open()
        self.check_usable(backend)

    def test_a_task_has_only_its_own_time(self, backend: Backend, lobby: Lobby) -> None:
        linger = delayed(tasks.linger)(lobby.address, "guest")
        calls = [delayed(tasks.add)(0), linger, delayed(tasks.add)(2)]
        if self.runs_here(backend):
            lobby.open()
            with pytest.warns(FanfoldWarning, match="task_timeout=2 is not applied"):
                assert self.call(backend, calls, task_timeout=2) == [1, "guest", 3]
            return

        options: dict[str, Any] = {"task_timeout": 2, "batch_size": 3, "on_error": "return"}
        first, failure, last = self.call(backend, calls, **options)

        assert (first, last) == (1, 3)
        assert failure.index == 1
        assert isinstance(failure.exception, TaskTimeoutError)
        lobby.open()
        self.check_usable(backend)
