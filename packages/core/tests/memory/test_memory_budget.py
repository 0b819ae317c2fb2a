"""Budgets that are kept automatically: `max_bytes`, `max_entries`, `ttl`."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fanfold import Memory, Parallel, delayed
from fanfold.errors import FanfoldWarning, InvalidArgumentError


def block(n: int) -> bytes:
    return os.urandom(10_000)


def kept(cached: Any, numbers: range) -> list[int]:
    return [n for n in numbers if cached.check_call_in_cache(n)]


@pytest.fixture
def limited(location: str) -> Callable[..., Any]:
    """Return the function, cached in a memory with limits."""
    return lambda **limits: Memory(location, verbose=0, **limits).cache(block)


@pytest.mark.parametrize(
    "limits", [{"max_entries": 3}, {"max_bytes": 33_000}, {"max_bytes": "33K", "max_entries": 9}]
)
def test_what_was_not_used_for_longest_goes(
    limited: Callable[..., Any], limits: dict[str, Any]
) -> None:
    cached = limited(**limits)
    for n in range(6):
        cached(n)
        wait_for_the_clock()

    assert kept(cached, range(6)) == [3, 4, 5]


def test_what_is_used_stays(tmp_path: Any) -> None:
    cached: Any = Memory(tmp_path, verbose=0, max_entries=3).cache(block)
    for n in range(6):
        cached(n)
        wait_for_the_clock()
        cached(0)
        wait_for_the_clock()

    assert kept(cached, range(6)) == [0, 4, 5]


def wait_for_the_clock() -> None:
    """Wait until a file that is written now is younger than those before: up to 10 ms on Linux."""
    time.sleep(0.02)


def test_a_full_cache_goes_a_hundredth_below_its_limit(tmp_path: Any) -> None:
    memory = Memory(tmp_path, verbose=0, max_entries=200)
    cached = memory.cache(len)
    for n in range(200):
        cached("x" * n)
    assert memory.stats().entries == 200

    cached("x" * 200)

    assert memory.stats().entries == 198


def test_the_limits_count_what_others_have_put_there(limited: Callable[..., Any]) -> None:
    plain = limited()
    for n in range(5):
        plain(n)
        wait_for_the_clock()

    limited(max_entries=3)(5)

    assert kept(plain, range(6)) == [3, 4, 5]


def test_the_limits_travel_with_the_function(limited: Callable[..., Any]) -> None:
    copy = pickle.loads(pickle.dumps(limited(max_entries=2)))
    for n in range(4):
        copy(n)

    assert len(kept(copy, range(4))) == 2


def test_workers_keep_the_limits_too(tmp_path: Any) -> None:
    memory = Memory(tmp_path, verbose=0, max_entries=5)

    Parallel(n_jobs=2)(delayed(memory.cache(block))(n) for n in range(30))

    assert memory.stats().entries <= 5


def test_a_result_larger_than_the_limit_is_returned(limited: Callable[..., Any]) -> None:
    cached = limited(max_bytes=100)

    assert len(cached(1)) == 10_000
    assert kept(cached, range(3)) == []


@pytest.mark.parametrize("ttl", [0.05, timedelta(seconds=0.05)])
def test_a_result_that_outlived_its_time_is_computed_anew(
    limited: Callable[..., Any], ttl: Any
) -> None:
    cached = limited(ttl=ttl)
    reference = cached.call_and_shelve(1)
    before = limited()(1)
    time.sleep(0.1)

    assert not cached.check_call_in_cache(1)
    with pytest.raises(KeyError, match="not in the cache any more"):
        reference.get()
    assert cached(1) != before
    assert limited(ttl=1000)(1) == limited()(1) != before


def test_a_shelved_result_that_outlived_its_time_is_computed_anew(
    limited: Callable[..., Any],
) -> None:
    before = limited()(1)
    time.sleep(0.1)
    outlived_at = time.time()

    assert limited(ttl=0.05).call_and_shelve(1).metadata["time"] >= outlived_at
    assert limited()(1) != before


def test_what_outlived_its_time_and_is_not_asked_for_is_removed(
    limited: Callable[..., Any],
) -> None:
    cached = limited(ttl=0.05)
    cached(1)
    time.sleep(0.2)

    cached(2)

    assert not limited().check_call_in_cache(1)


def test_a_limit_that_cannot_be_kept_is_told_once(broken: tuple[Memory, set[str]]) -> None:
    memory, methods = broken
    cached = Memory(memory.location, verbose=0, max_entries=1).cache(block)
    methods.add("delete")

    with pytest.warns(FanfoldWarning, match="the limits of the cache are not kept") as told:
        results = [cached(n) for n in range(4)]

    assert len(told) == 1
    assert results == [cached(n) for n in range(4)]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"max_bytes": "lots"}, "max_bytes='lots'"),
        ({"max_bytes": -1}, "max_bytes=-1"),
        ({"max_entries": 1.5}, "max_entries=1.5"),
        ({"max_entries": -1}, "max_entries=-1"),
        ({"ttl": 0}, "ttl=0"),
        ({"ttl": "long"}, "ttl='long'"),
        ({"ttl": timedelta(days=-1)}, "ttl="),
    ],
)
@pytest.mark.parametrize("location", ["there", None], indirect=False)
def test_limits_that_will_not_do_are_refused(
    tmp_path: Any, location: str | None, limits: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        Memory(tmp_path if location else None, **limits)
