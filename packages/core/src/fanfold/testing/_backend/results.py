"""Checks of what comes back from calls of Parallel on the backend."""

from __future__ import annotations

import functools
import operator
from array import array
from typing import TYPE_CHECKING, Any

import pytest

from ...memory import Memory
from ...parallel import Parallel, delayed, parallel_config
from . import tasks
from .aside import aside
from .base import BackendChecks

if TYPE_CHECKING:
    from pathlib import Path

    from ...contracts.backend import Backend
    from .lobby import Lobby

__all__ = ["ResultChecks"]

_LARGE = 3 << 20


class ResultChecks(BackendChecks):
    """Results, in their order, of any function and of any arguments."""

    @pytest.mark.parametrize("extra", [None, 0, 3], ids=["one", "all", "more than all"])
    def test_results_come_in_the_order_of_the_tasks(
        self, backend: Backend, extra: int | None
    ) -> None:
        n_jobs = 1 if extra is None else backend.effective_n_jobs(-1) + extra

        results = self.call(backend, (delayed(tasks.add)(n) for n in range(50)), n_jobs=n_jobs)

        assert results == list(range(1, 51))

    def test_a_task_that_ends_early_keeps_its_place(self, backend: Backend, lobby: Lobby) -> None:
        slots = self.slots(backend)
        calls = [delayed(tasks.visit)(lobby.address, name) for name in ("first", "second")]

        results = aside(lambda: Parallel(n_jobs=2, backend=backend, batch_size=1)(calls))
        for _ in range(2 // slots):
            visitors = [lobby.next_visitor() for _ in range(slots)]
            for visitor in sorted(visitors, key=lambda visitor: visitor.name, reverse=True):
                visitor.release()
                assert visitor.has_said_goodbye()

        assert self.in_time(results) == ["first", "second"]

    def test_tasks_whose_results_are_in_a_cache_are_found_in_their_place(
        self, backend: Backend, tmp_path: Path
    ) -> None:
        cached = Memory(tmp_path, verbose=0).cache(tasks.add)
        for n in (0, 3, 4):
            cached.put((n,), f"found {n}")

        results = self.call(backend, (delayed(cached)(n) for n in range(6)), batch_size=2)
        again = self.stream(backend, (delayed(cached)(n) for n in range(6)))

        assert results == again == ["found 0", 2, 3, "found 3", "found 4", 6]

    def test_no_tasks_have_no_results(self, backend: Backend) -> None:
        assert self.call(backend, []) == []
        assert self.stream(backend, iter([])) == []

    def test_one_task_has_one_result(self, backend: Backend) -> None:
        assert self.call(backend, [delayed(tasks.add)(1, right=2)]) == [3]

    def test_any_callable_may_be_a_task(self, backend: Backend) -> None:
        step = 3
        counter = tasks.Counter(3)

        def closure(value: int) -> int:
            return value + step

        callables: list[Any] = [
            lambda value: value + 3,
            closure,
            functools.partial(tasks.add, right=3),
            functools.partial(operator.add, 3),
            counter,
            counter.add,
            (3).__add__,
        ]

        results = self.call(backend, [delayed(function)(4) for function in callables])

        assert results == [7] * len(callables)

    def test_a_class_may_be_a_task(self, backend: Backend) -> None:
        class Made(tasks.Counter):
            pass

        made = self.call(backend, [delayed(kind)(step=5) for kind in (tasks.Counter, Made)])

        assert [type(one).__name__ for one in made] == ["Counter", "Made"]
        assert [one.step for one in made] == [5, 5]

    def test_many_small_tasks(self, backend: Backend) -> None:
        results = self.call(backend, (delayed(tasks.add)(n) for n in range(3000)))

        assert results == list(range(1, 3001))

    @pytest.mark.parametrize("batch_size", [1, 7, 100])
    def test_batches_may_have_any_size(self, backend: Backend, batch_size: int) -> None:
        calls = (delayed(tasks.add)(n) for n in range(20))

        assert self.call(backend, calls, batch_size=batch_size) == list(range(1, 21))

    def test_all_tasks_may_be_submitted_at_once(self, backend: Backend) -> None:
        calls = (delayed(tasks.add)(n) for n in range(20))

        results = self.call(backend, calls, pre_dispatch="all", batch_size=1)

        assert results == list(range(1, 21))

    @pytest.mark.parametrize(
        "settings", [{"max_nbytes": None}, {"mmap_mode": None}, {"mmap_mode": "c"}], ids=str
    )
    def test_large_arguments_and_results_come_whole_and_may_be_changed(
        self, backend: Backend, settings: dict[str, Any]
    ) -> None:
        blocks = [tasks.Block(bytearray(_LARGE)) for _ in range(3)]
        calls = [delayed(tasks.fill)(block, 7) for block in blocks]

        results = self.call(backend, calls, **settings)

        is_shared = backend.capabilities.shares_memory or self.runs_here(backend)
        for block, result in zip(blocks, results, strict=True):
            assert tasks.digest(result.data) == tasks.digest(b"\7" * _LARGE)
            result.data[0] = 9
            assert block.data[0] == (9 if is_shared else 0)

    def test_what_large_arguments_are_made_of_may_only_be_read(self, backend: Backend) -> None:
        block = tasks.Block(bytearray(_LARGE))

        results = self.call(backend, [delayed(tasks.read)(block)] * 3)

        is_shared = backend.capabilities.shares_memory or self.runs_here(backend)
        is_stored = backend.capabilities.stores_objects
        expected = tasks.digest(bytes(_LARGE)), is_shared or not is_stored
        assert results == [expected] * 3

    @pytest.mark.parametrize("max_nbytes", ["1M", None])
    def test_large_arrays_come_whole(self, backend: Backend, max_nbytes: str | None) -> None:
        given = [_make_array(number) for number in range(3)]
        calls = [delayed(tasks.return_it)(one) for one in given]

        results = self.call(backend, calls, max_nbytes=max_nbytes)

        for one, result in zip(given, results, strict=True):
            assert type(result) is type(one)
            assert memoryview(result) == memoryview(one)

    def test_an_argument_arrives_as_it_was_when_it_was_taken(self, backend: Backend) -> None:
        values = [0]

        def change_and_yield() -> Any:
            for number in range(10):
                values[0] = number
                yield delayed(tasks.total)(values)

        results = self.call(backend, change_and_yield(), batch_size=1, pre_dispatch=1)

        assert results == list(range(10))

    def test_seeded_tasks_draw_the_same_everywhere(self, backend: Backend) -> None:
        numbers = self.call(backend, [delayed(tasks.draw)()] * 5, seed=42)

        assert numbers == Parallel(n_jobs=1, backend="sequential", seed=42)(
            [delayed(tasks.draw)()] * 5
        )

    def test_a_call_in_a_task(self, backend: Backend) -> None:
        results = self.call(backend, [delayed(tasks.nest)(count) for count in (2, 3)])

        assert results == [[1, 2], [1, 2, 3]]

    def test_a_call_in_a_task_of_a_task(self, backend: Backend) -> None:
        results = self.call(backend, [delayed(tasks.nest_deeper)(count) for count in (2, 3)])

        assert results == [[[], [1]], [[], [1], [1, 2]]]

    def test_an_object_may_be_called_again(self, backend: Backend) -> None:
        parallel = Parallel(n_jobs=2, backend=backend)

        for count in (3, 5):
            calls = [delayed(tasks.add)(n) for n in range(count)]
            assert self.within(functools.partial(parallel, calls)) == list(range(1, count + 1))

    def test_the_backend_may_be_configured_for_many_calls(self, backend: Backend) -> None:
        def call_as_configured() -> list[int]:
            with parallel_config(backend=backend):
                assert Parallel().n_jobs == backend.default_n_jobs
                calls = (delayed(tasks.add)(n) for n in range(3))
                results: list[int] = Parallel(n_jobs=2)(calls)
                return results

        assert self.within(call_as_configured) == [1, 2, 3]


def _make_array(number: int) -> Any:
    """Return an array of numpy where it is installed, else one of the standard library."""
    try:
        import numpy as np
    except ImportError:
        return array("d", [number]) * (_LARGE // 8)
    return np.full(_LARGE // 8, float(number))
