"""Results that are kept in the process too: `Memory(hot=...)`."""

from __future__ import annotations

import os
import pickle
import time
from typing import Any

import pytest
from fanfold import Memory
from fanfold.errors import InvalidArgumentError


def token(x: object, n: int = 8) -> bytes:
    return os.urandom(n)


def fresh_list(x: object) -> list[Any]:
    return [x, [os.urandom(8)]]


@pytest.fixture
def hot(location: str) -> Memory:
    return Memory(location, verbose=0, hot="1MB")


def lose(memory: Memory) -> None:
    """Remove all results behind the back of the memory."""
    Memory(memory.location, verbose=0).clear()


@pytest.mark.parametrize("x", [1, "text", None])
def test_what_was_found_once_is_found_without_the_store(hot: Memory, x: object) -> None:
    cached = hot.cache(token)
    value = cached(x), cached(x)

    lose(hot)

    assert cached(x) == value[0]
    assert hot.stats().hits == 2


def test_without_it_the_store_is_asked(memory: Memory) -> None:
    cached = memory.cache(token)
    value = cached(1), cached(1)

    lose(memory)

    assert cached(1) != value[0]


def test_a_result_that_the_caller_changes_is_not_changed_here(hot: Memory) -> None:
    cached: Any = hot.cache(fresh_list)
    first, second = cached(1), cached(1)
    second[1].append("changed")

    third = cached(1)

    assert third == first
    assert third is not first
    assert third[1] is not first[1]


def test_what_was_used_last_stays(location: str) -> None:
    memory = Memory(location, verbose=0, hot="20K")
    cached = memory.cache(token)
    values = {x: cached(x, 4000) for x in range(6)}
    for x in (0, 1, 2, 3, 0, 4, 0, 5, 0):
        cached(x, 4000)

    lose(memory)

    assert [x for x in (0, 5, 4, 1, 2) if cached(x, 4000) == values[x]] == [0, 5, 4]


def test_a_large_result_is_not_kept_in_the_process(hot: Memory) -> None:
    cached = hot.cache(token)
    value = cached(1, 200_000), cached(1, 200_000)

    lose(hot)

    assert cached(1, 200_000) != value[0]


@pytest.mark.parametrize(
    "drop",
    [
        lambda memory, cached: memory.clear(),
        lambda memory, cached: cached.clear(),
        lambda memory, cached: cached.invalidate(1),
        lambda memory, cached: cached.call_and_shelve(1).clear(),
        lambda memory, cached: memory.reduce_size(items_limit=0),
        lambda memory, cached: cached.put((1,), b"other"),
        lambda memory, cached: cached.call(1),
    ],
)
def test_what_is_dropped_or_replaced_is_gone_here_too(hot: Memory, drop: Any) -> None:
    cached = hot.cache(token)
    value = cached(1), cached(1)

    drop(hot, cached)

    assert cached(1) != value[0]


def test_a_result_outlives_its_time_here_too(location: str) -> None:
    cached = Memory(location, verbose=0, hot="1MB", ttl=0.1).cache(token)
    value = cached(1), cached(1)

    time.sleep(0.2)

    assert cached(1) != value[0]


def test_what_it_saves_is_counted(hot: Memory) -> None:
    def slow(x: int) -> int:
        time.sleep(0.02)
        return x

    cached = hot.cache(slow)
    for _ in range(4):
        cached(1)

    assert hot.stats().seconds_saved >= 0.06


def test_a_use_here_counts_for_the_limits(tmp_path: Any) -> None:
    memory = Memory(tmp_path, verbose=0, hot="1MB")
    cached = memory.cache(token)
    for x in (0, 1):
        _ = cached(x), cached(x)
    time.sleep(1.1)  # uses within a second are noted once
    cached(0)

    memory.reduce_size(items_limit=1)

    assert (cached.check_call_in_cache(0), cached.check_call_in_cache(1)) == (True, False)


def test_arrays_are_mapped_all_the_same(tmp_path: Any) -> None:
    np = pytest.importorskip("numpy")
    cached: Any = Memory(tmp_path, verbose=0, hot="1MB", mmap_mode="r").cache(np.arange)
    _ = cached(5.0), cached(5.0)

    assert isinstance(cached(5.0), np.memmap)


def test_each_process_keeps_its_own(hot: Memory) -> None:
    cached = hot.cache(token)
    value = cached(1), cached(1)
    copy = pickle.loads(pickle.dumps(cached))
    lose(hot)

    assert copy(1) != value[0]


@pytest.mark.parametrize("size", ["lots", -1])
def test_a_size_that_will_not_do_is_refused(size: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="hot="):
        Memory(None, hot=size)
