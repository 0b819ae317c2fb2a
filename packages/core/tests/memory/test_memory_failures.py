"""Caches that are damaged, full or out of reach: the user's run goes on."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fanfold import Memory, expires_after
from fanfold.errors import FanfoldWarning, StoreError
from fanfold.memory import MemorizedFunc
from fanfold.persistence import encode
from fanfold.plugins import stores
from fanfold.stores import LocalStore

Broken = tuple[Memory, set[str]]


def token(x: object) -> bytes:
    return os.urandom(8)


def damage(memory: Memory, change: Callable[[bytes], bytes]) -> None:
    store = memory.store_backend
    assert store is not None
    for entry in store.list():
        data = store.get(entry.key)
        assert data is not None
        store.put(entry.key, [change(data)])


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: b"something else entirely" * 100,
    ],
    ids=["empty", "truncated", "one bit", "foreign"],
)
@pytest.mark.parametrize("settings", [{}, {"cache_validation_callback": expires_after(hours=1)}])
def test_a_damaged_entry_is_told_computed_again_and_replaced(
    memory: Memory, change: Callable[[bytes], bytes], settings: dict[str, Any]
) -> None:
    cached = memory.cache(token, **settings)
    before = cached(1)
    damage(memory, change)

    with pytest.warns(FanfoldWarning, match=r"token is computed again, because its entry") as told:
        after = cached(1)

    assert len(told) == 1
    assert Path(told[0].filename) == Path(__file__)
    assert after != before
    assert cached(1) == after


def test_a_damaged_entry_is_not_in_the_cache(memory: Memory) -> None:
    cached = memory.cache(token)
    cached(1)
    damage(memory, lambda data: b"nonsense")

    with pytest.warns(FanfoldWarning, match="is computed again"):
        assert not cached.check_call_in_cache(1)


def test_a_container_that_no_memory_wrote_is_not_shelved(memory: Memory) -> None:
    cached = memory.cache(token)
    cached(1)
    damage(memory, lambda data: b"".join(encode("planted")))

    with pytest.warns(FanfoldWarning, match="says nothing of where it comes from"):
        reference = cached.call_and_shelve(1)

    assert len(reference.get()) == 8


def test_an_entry_of_a_class_that_is_gone_is_computed_again(memory: Memory) -> None:
    cached = memory.cache(token)
    before = cached(1)
    gone = b"".join(encode(Gone(), metadata={"time": 0}))
    damage(memory, lambda data: gone)

    Gone.is_there = False
    with pytest.warns(FanfoldWarning, match="KeyError: 'no such class any more'"):
        assert cached(1) != before


class Gone:
    is_there = True

    def __setstate__(self, state: object) -> None:
        if not Gone.is_there:
            raise KeyError("no such class any more")

    def __getstate__(self) -> dict[str, int]:
        return {"x": 1}


class Forgetful(LocalStore):
    """A store in which another process removes each entry just before its file is opened."""

    def local_path(self, key: str) -> Path | None:
        path = super().local_path(key)
        self.delete(key)
        return path


def test_an_entry_that_goes_while_it_is_read_is_computed_again(tmp_path: Path) -> None:
    stores.register("forgetful", Forgetful)
    memory = Memory(tmp_path, backend="forgetful", mmap_mode="r", verbose=0)
    stores.unregister("forgetful")
    cached = memory.cache(token)

    assert cached(1) != cached(1)


def test_a_directory_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cached = Memory(tmp_path / "file" / "cache", verbose=0).cache(token)

    with pytest.warns(FanfoldWarning, match=r"computed but not kept: .*file/cache") as told:
        first, second = cached(1), cached(2)

    assert len(told) == 1
    assert len({first, second, cached(1)}) == 3


def test_a_full_store_is_told_once_for_all_functions(broken: Broken) -> None:
    memory, methods = broken
    methods.add("put")

    with pytest.warns(FanfoldWarning, match="disk is full") as told:
        results = [memory.cache(function)("x") for function in (len, ord)]

    assert results == [1, 120]
    assert len(told) == 1


def test_a_store_that_has_room_again_keeps_results_again(broken: Broken) -> None:
    memory, methods = broken
    cached = memory.cache(token)
    methods.add("put")
    with pytest.warns(FanfoldWarning, match="disk is full"):
        cached(1)

    methods.clear()

    assert cached(1) == cached(1)


@pytest.mark.parametrize(
    "use",
    [
        lambda cached: cached(1),
        lambda cached: cached.call_and_shelve(1),
        lambda cached: cached.check_call_in_cache(1),
    ],
)
def test_a_store_that_cannot_be_read_is_told_once(
    broken: Broken, use: Callable[[MemorizedFunc[[object], bytes]], object]
) -> None:
    memory, methods = broken
    cached = memory.cache(token)
    assert isinstance(cached, MemorizedFunc)
    cached(1)
    methods.add("get")

    with pytest.warns(FanfoldWarning, match=r"even if they are there: .*disk is full") as told:
        _ = use(cached), use(cached)

    assert len(told) == 1


def test_a_store_that_cannot_be_touched_still_gives_its_results(broken: Broken) -> None:
    memory, methods = broken
    cached = memory.cache(token)
    before = cached(1)
    methods.add("touch")

    with pytest.warns(FanfoldWarning, match="their use is not noted") as told:
        results = {cached(1), cached(1)}

    assert results == {before}
    assert len(told) == 1


def test_an_expired_result_that_cannot_be_removed_is_computed_again(broken: Broken) -> None:
    memory, methods = broken
    cached = memory.cache(token, cache_validation_callback=expires_after(hours=-1))
    before = cached(1)
    methods.add("delete")

    with pytest.warns(FanfoldWarning, match="expired are not removed"):
        assert cached(1) != before


@pytest.mark.parametrize(
    ("method", "act"),
    [
        ("delete", lambda memory, cached: memory.clear()),
        ("delete", lambda memory, cached: cached.clear()),
        ("delete", lambda memory, cached: memory.reduce_size(items_limit=0)),
        ("delete", lambda memory, cached: cached.call_and_shelve(1).clear()),
        ("get", lambda memory, cached: cached.call_and_shelve(1).get()),
        ("put", lambda memory, cached: cached.call_and_shelve(2)),
    ],
)
def test_what_only_a_store_can_do_fails_without_it(
    broken: Broken, method: str, act: Callable[[Memory, Any], object]
) -> None:
    memory, methods = broken
    cached = memory.cache(token)
    cached(1)
    methods.add(method)

    with warnings.catch_warnings(), pytest.raises(StoreError, match="disk is full"):
        warnings.simplefilter("ignore", FanfoldWarning)  # that shelving could not look first
        act(memory, cached)


class Holder:
    def __init__(self) -> None:
        self.guards = [threading.Lock()]


def test_a_result_that_cannot_be_pickled_is_returned_and_its_part_told_once(
    memory: Memory,
) -> None:
    cached = memory.cache(Holder)

    with pytest.warns(FanfoldWarning, match=r"Holder is computed at each call") as told:
        first, second = cached(), cached()

    assert isinstance(first, Holder)
    assert first is not second
    assert "guards[0]" in str(told[0].message)
    assert len(told) == 1


def test_each_function_whose_results_cannot_be_pickled_is_told(memory: Memory) -> None:
    def other() -> Holder:
        return Holder()

    with pytest.warns(FanfoldWarning) as told:
        _ = memory.cache(Holder)(), memory.cache(other)()

    assert len(told) == 2


def test_a_result_whose_pickling_raises_anything_is_returned(memory: Memory) -> None:
    class Stubborn:
        def __reduce__(self) -> str:
            raise ZeroDivisionError("no")

    def f() -> Stubborn:
        return Stubborn()

    with pytest.warns(FanfoldWarning, match="cannot be pickled"):
        assert type(memory.cache(f)()).__name__ == "Stubborn"


def test_a_result_that_cannot_be_pickled_cannot_be_shelved(memory: Memory) -> None:
    from pickle import PicklingError

    with pytest.raises(PicklingError, match=r"guards\[0\]"):
        memory.cache(Holder).call_and_shelve()
