"""``explain``: whether a call would find its result, and what has changed if it would not."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import numpy as np
import pytest
from fanfold import Memory
from fanfold.errors import InvalidArgumentError, StoreError
from fanfold.persistence import encode

FACTOR = 2


def scale(x: Any, power: int = 1) -> Any:
    return helper(x) * FACTOR**power


def helper(x: Any) -> Any:
    return x


def other_helper(x: Any) -> Any:
    return x + 0


async def slowly(x: int) -> int:
    return x


def changes(explanation: Any) -> dict[str, tuple[str | None, str | None]]:
    return {change.what: (change.before, change.now) for change in explanation.changes}


def test_a_result_that_is_there_is_told(memory: Memory) -> None:
    cached = memory.cache(scale)
    key = cached.call_and_shelve(3).key

    told = cached.explain(3)

    assert (told.is_hit, told.key, told.changes, told.nearest) == (True, key, (), None)
    assert told.call == f"{__name__}.scale(x=3, power=1)"
    assert "there is a result" in repr(told)


def test_an_explanation_runs_and_changes_nothing(memory: Memory) -> None:
    cached = memory.cache(scale)
    cached(1)
    before = memory.stats()

    cached.explain(1)
    cached.explain(2)

    assert memory.stats() == before


def test_without_any_result_there_is_nothing_to_compare_with(memory: Memory) -> None:
    memory.cache(helper)(1)

    told = memory.cache(scale).explain(3)

    assert (told.is_hit, told.nearest, told.changes) == (False, None, ())
    assert "no result of this function" in told.reason


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        ((3,), (4,), {"argument x": ("3", "4")}),
        ((3, 1), (3, 2), {"argument power": ("1", "2")}),
        ((3, 1), (4, 2), {"argument x": ("3", "4"), "argument power": ("1", "2")}),
        (([1, 2],), ([1, 3],), {"argument x": ("[1, 2]", "[1, 3]")}),
    ],
)
def test_an_argument_that_changed_is_told(
    memory: Memory, then: Any, now: Any, expected: Any
) -> None:
    cached = memory.cache(scale)
    cached(*then)

    assert changes(cached.explain(*now)) == expected


def test_of_two_arrays_of_one_shape_the_one_that_changed_is_told(memory: Memory) -> None:
    cached = memory.cache(lambda a, b: float(a.sum() + b.sum()))
    first, second = np.zeros(1000), np.ones(1000)
    cached(first, second)
    second[7] = 5

    [change] = cached.explain(first, second).changes

    assert change.what == "argument b"
    assert change.before != change.now
    assert "ndarray(shape=(1000,), dtype=float64)" in str(change)


def test_a_global_that_changed_is_told_with_what_it_was(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = memory.cache(scale)
    cached(3)
    monkeypatch.setitem(globals(), "FACTOR", 5)

    assert changes(cached.explain(3)) == {"global FACTOR": ("2", "5")}


def test_a_function_that_is_called_and_changed_is_told(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = memory.cache(scale)
    cached(3)
    monkeypatch.setitem(globals(), "helper", other_helper)

    [change] = cached.explain(3).changes

    assert change.what == "global helper"


def test_code_a_default_and_a_closure_that_changed_are_told(memory: Memory) -> None:
    def make(amount: int, *, is_new: bool) -> Any:
        if is_new:

            def shift(x: int, sign: int = -1) -> int:
                return amount - x * sign

        else:

            def shift(x: int, sign: int = 1) -> int:
                return x * sign + amount

        return memory.cache(shift)

    make(1, is_new=False)(3, 1)

    told = changes(make(2, is_new=True).explain(3, 1))

    code_before, code_now = told.pop("code")
    assert code_before != code_now
    assert told == {"closure amount": ("1", "2"), "default sign": ("1", "-1")}


def test_a_version_that_changed_is_told(memory: Memory) -> None:
    memory.cache(scale, version=1)(3)

    assert changes(memory.cache(scale, version=2).explain(3)) == {"version": ("1", "2")}


def test_text_that_a_function_reads_is_not_kept(memory: Memory) -> None:
    def make(secret: str) -> Any:
        return memory.cache(lambda x: (x, len(secret)))

    make("hush, hush")(1)
    store = memory.store_backend
    assert store is not None

    [change] = make("new").explain(1).changes

    assert (change.what, change.now) == ("closure secret", "'new'")
    assert all(b"hush" not in (store.get(entry.key) or b"") for entry in store.list())


def test_the_call_that_differs_least_is_the_nearest(memory: Memory) -> None:
    cached = memory.cache(scale)
    for call in [(1, 1), (2, 2), (1, 2), (5, 5)]:
        cached(*call)

    told = cached.explain(2, 1)

    assert told.nearest is not None
    assert len(told.changes) == 1
    assert told.nearest.call.startswith(f"{__name__}.scale(")


def test_going_back_to_earlier_code_finds_its_results(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = memory.cache(scale)
    cached(3)
    with monkeypatch.context() as patch:
        patch.setitem(globals(), "FACTOR", 5)
        there = cached.explain(3).is_hit
        cached(3)

    assert (there, cached.explain(3).is_hit) == (False, True)


def test_a_result_that_outlived_its_time_is_told(location: str) -> None:
    Memory(location, verbose=0).cache(helper)(1)

    told = Memory(location, verbose=0, ttl=1e-9).cache(helper).explain(1)

    assert not told.is_hit
    assert "ttl is over" in told.reason


def test_a_result_that_its_validation_refuses_is_told(memory: Memory) -> None:
    memory.cache(helper)(1)

    told = memory.cache(helper, cache_validation_callback=lambda metadata: False).explain(1)

    assert not told.is_hit
    assert "cache_validation_callback refuses it" in told.reason


def test_a_damaged_result_is_told(memory: Memory) -> None:
    cached = memory.cache(helper)
    key = cached.call_and_shelve(1).key
    store = memory.store_backend
    assert store is not None
    store.put(key, [b"nonsense"])

    assert "not used" in cached.explain(1).reason
    assert cached.explain(2).nearest is None


def test_a_result_of_a_memory_that_noted_less_is_compared_all_the_same(memory: Memory) -> None:
    cached = memory.cache(scale)
    other = memory.cache(scale, version=7)
    key = other.call_and_shelve(3).key
    store = memory.store_backend
    assert store is not None
    metadata = {"function": f"{__name__}.scale", "duration": 1.0, "time": 1.0, "input_args": {}}
    store.put(key, encode(6, metadata=metadata))

    told = cached.explain(3)

    assert {change.before for change in told.changes} == {None}
    assert "code is new" in repr(told)


def test_methods_and_coroutine_functions_are_explained(memory: Memory) -> None:
    class Adder:
        def __init__(self, amount: int) -> None:
            self.amount = amount

        @memory.cache
        def add(self, x: int) -> int:
            return x + self.amount

    cached = memory.cache(slowly)
    Adder(1).add(1)
    asyncio.run(cached(1))

    assert Adder(1).add.explain(1).is_hit
    assert not Adder(2).add.explain(1).is_hit
    assert (cached.explain(1).is_hit, cached.explain(2).is_hit) == (True, False)


def test_where_nothing_is_kept_that_is_told() -> None:
    told = Memory(None).cache(scale).explain(3)

    assert (told.is_hit, told.changes) == (False, ())
    assert "nothing is kept" in told.reason


def test_it_is_shown_in_notebooks_and_can_be_pickled(memory: Memory) -> None:
    cached = memory.cache(scale)
    cached("<b>")

    told = cached.explain("<i>")

    assert "&lt;i&gt;" in told._repr_html_()
    assert "<i>" not in told._repr_html_()
    assert pickle.loads(pickle.dumps(told)) == told


def test_a_call_that_cannot_be_made_is_refused(memory: Memory) -> None:
    cached: Any = memory.cache(scale)

    with pytest.raises(InvalidArgumentError, match="is missing"):
        cached.explain()


def test_a_store_that_cannot_be_read_is_told(broken: tuple[Memory, set[str]]) -> None:
    memory, methods = broken
    methods.add("get")

    with pytest.raises(StoreError):
        memory.cache(scale).explain(1)


def test_very_many_names_fit_into_an_entry(memory: Memory) -> None:
    cached = memory.cache(lambda **named: len(named))
    arguments = {f"\N{SNOWMAN}{n}": [n] for n in range(500)}

    assert cached(**arguments) == 500
    assert cached.explain(**arguments).is_hit
