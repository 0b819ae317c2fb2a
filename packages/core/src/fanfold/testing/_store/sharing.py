"""Checks of a store that has many users: instances, threads, copies in other processes."""

from __future__ import annotations

import pickle
import threading
from typing import TYPE_CHECKING

import pytest

from .base import StoreChecks
from .child import child
from .pieces import KEY, Interrupted
from .threads import side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ...contracts.store import Store

__all__ = ["SharingChecks"]

_THREADS = 4
_ROUNDS = 25
_LARGE = 256 << 10


class SharingChecks(StoreChecks):
    """Users of one location do not disturb each other."""

    def test_a_second_instance_sees_the_same_entries(self, store: Store, second: Store) -> None:
        store.put("a", [b"old"])
        second.put("b", [b"value"])
        assert second.get("a") == b"old"

        store.put("a", [b"new"])
        assert second.get("a") == b"new"
        assert store.get("b") == b"value"
        assert sorted(entry.key for entry in second.list()) == ["a", "b"]

        store.delete("a")
        assert second.get("a") is None

    def test_a_new_store_is_another_location(self, store: Store, tmp_path: Path) -> None:
        other = self.make_store(tmp_path / "other")

        store.put(KEY, [b"value"])

        assert other.get(KEY) is None
        assert not list(other.list())

    def test_a_pickled_store_is_the_same_store(self, store: Store) -> None:
        store.put(KEY, [b"value"])

        copy = pickle.loads(pickle.dumps(store))

        assert type(copy) is type(store)
        assert copy.location == store.location
        assert copy.capabilities == store.capabilities
        assert copy.get(KEY) == b"value"
        assert copy.delete(KEY)
        assert store.get(KEY) is None

    def test_a_pickled_store_works_in_another_process(self, store: Store) -> None:
        store.put(KEY, [b"value"])

        with child("get", store) as reader:
            assert reader.wait_for_line() == b"b'value'"

    def test_a_closed_store_may_be_used_again(self, store: Store) -> None:
        store.put(KEY, [b"value"])

        store.close()
        store.close()

        assert store.get(KEY) == b"value"
        store.put(KEY, [b"new"])
        assert [entry.key for entry in store.list()] == [KEY]

    def test_closing_one_instance_does_not_disturb_another(
        self, store: Store, second: Store
    ) -> None:
        second.put(KEY, [b"value"])

        store.close()

        assert second.get(KEY) == b"value"
        assert second.delete(KEY)

    def test_many_threads_may_use_one_instance(self, store: Store) -> None:
        def use(thread: int, meet: Callable[[], object]) -> None:
            meet()
            for number in range(_ROUNDS):
                key, value = f"thread{thread}/{number}", b"%d,%d" % (thread, number)
                store.put(key, [value])
                assert store.get(key) == value
                listed = [(entry.key, entry.size) for entry in store.list(f"thread{thread}/")]
                assert listed == [(key, len(value))]
                assert store.delete(key) is True
                assert store.get(key) is None

        side_by_side(_THREADS, use)

    def test_puts_and_deletes_side_by_side_do_not_disturb_each_other(
        self, store: Store, second: Store
    ) -> None:
        # A store of directories removes the last entry of one while another puts its first.

        def use(thread: int, meet: Callable[[], object]) -> None:
            instance = (store, second)[thread % 2]
            for number in range(_ROUNDS):
                meet()
                key = f"deep/er/{number % 3}/{thread}"
                instance.put(key, [b"value"])
                assert instance.get(key) == b"value"
                assert instance.delete(key) is True

        side_by_side(_THREADS, use)
        assert not list(store.list())

    def test_of_many_deletes_of_one_entry_one_says_it_was_there(self, store: Store) -> None:
        keys = [f"round/{number}" for number in range(_ROUNDS)]
        for key in keys:
            store.put(key, [b"value"])

        def delete(_thread: int, meet: Callable[[], object]) -> list[bool]:
            found = []
            for key in keys:
                meet()
                found.append(store.delete(key))
            return found

        results = side_by_side(_THREADS, delete)

        assert all(any(found) for found in zip(*results, strict=True))
        assert not list(store.list())

    @pytest.mark.parametrize("before", [None, b"old"], ids=["nothing", "a value"])
    def test_a_reader_in_the_middle_of_a_put_sees_what_was_there(
        self, store: Store, second: Store, before: bytes | None
    ) -> None:
        if before is not None:
            store.put(KEY, [before])
        seen: list[tuple[bytes | None, list[str]]] = []

        def look() -> None:
            seen.append((second.get(KEY), [entry.key for entry in second.list()]))

        store.put(KEY, Interrupted(b"n" * _LARGE, b"ew", between=look))

        assert seen == [(before, [] if before is None else [KEY])]
        assert second.get(KEY) == b"n" * _LARGE + b"ew"

    def test_readers_see_whole_values_while_writers_replace_them(
        self, store: Store, second: Store
    ) -> None:
        store.put(KEY, _value(0))
        written = threading.Event()

        def work(thread: int, meet: Callable[[], object]) -> None:
            meet()
            if thread % 2:
                while not written.is_set():
                    _check_whole(second.get(KEY))
                return
            try:
                for number in range(_ROUNDS):
                    store.put(KEY, _value(number + thread))
            finally:
                written.set()

        side_by_side(_THREADS, work)

        _check_whole(second.get(KEY))


def _value(number: int) -> list[bytes]:
    """Return a value of two pieces, whose length belongs to its bytes."""
    byte = bytes([number % 256])
    return [byte * _LARGE, byte * (number % 256)]


def _check_whole(value: bytes | None) -> None:
    assert value, "the entry was not there for a moment"
    assert value == value[:1] * (_LARGE + value[0]), "a mixture of two values was read"
