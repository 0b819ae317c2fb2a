"""``cache(deps=False)``: only the function's own text counts, as with joblib."""

from __future__ import annotations

import functools
import pickle
from typing import Any

import pytest
from fanfold import Memory

FACTOR = 2


def scale(x: int) -> int:
    return helper(x) * FACTOR


def helper(x: int) -> int:
    return x


def noisy(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


def test_what_the_function_reads_and_calls_does_not_count(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = memory.cache(scale, deps=False)
    assert cached(3) == 6

    monkeypatch.setitem(globals(), "FACTOR", 100)
    monkeypatch.setitem(globals(), "helper", lambda x: -x)

    assert cached(3) == 6
    assert cached.explain(3).is_hit
    assert memory.cache(scale)(3) == -300


def test_what_the_function_encloses_does_not_count(memory: Memory) -> None:
    def make(k: int) -> Any:
        return memory.cache(lambda x: x + k, deps=False)

    assert (make(1)(1), make(100)(1)) == (2, 2)


def test_defaults_count_as_arguments(memory: Memory) -> None:
    def make(default: int) -> Any:
        def shift(x: int, by: int = default) -> int:
            return x + by

        return memory.cache(shift, deps=False)

    assert (make(1)(1), make(5)(1), make(5)(1, 1)) == (2, 6, 2)
    assert memory.stats().entries == 2


def test_code_counts(memory: Memory) -> None:
    def make(*, is_new: bool) -> Any:
        if is_new:

            def work(x: int) -> int:
                return x + 2
        else:

            def work(x: int) -> int:
                return x + 1

        return memory.cache(work, deps=False)

    results = [make(is_new=is_new)(1) for is_new in (False, True, False)]

    assert results == [2, 3, 2]
    assert memory.stats().entries == 2


def test_new_code_in_a_function_is_noticed(memory: Memory) -> None:
    def work(x: int) -> int:
        return x + 1

    cached = memory.cache(work, deps=False)
    before = cached(1), cached(1)
    work.__code__ = (lambda x: x + 2).__code__

    assert (before, cached(1)) == ((2, 2), 3)


def test_what_is_wrapped_counts_by_its_own_code(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = memory.cache(noisy(scale), deps=False)
    other = memory.cache(noisy(helper), deps=False)
    before = cached(3), other(3)
    monkeypatch.setitem(globals(), "FACTOR", 100)

    assert (before, cached(3), other(3)) == ((6, 3), 6, 3)


def test_partials_count_by_what_they_hold(memory: Memory) -> None:
    def add(x: int, y: int) -> int:
        return x + y

    results = [memory.cache(functools.partial(add, y), deps=False)(1) for y in (1, 2)]

    assert results == [2, 3]


def test_it_travels_and_the_decorator_takes_it(memory: Memory) -> None:
    @memory.cache(deps=False)
    def local(x: int) -> int:
        return x

    cached: Any = pickle.loads(
        pickle.dumps(Memory(memory.location, verbose=0).cache(scale, deps=False))
    )

    assert (local.deps, cached.deps, memory.cache(scale).deps) == (False, False, True)
