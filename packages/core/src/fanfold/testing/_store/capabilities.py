"""Checks of what a store may do beyond the required methods, or has to refuse."""

from __future__ import annotations

import mmap
import os
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from ...contracts.store import StoreCapabilities
from ...errors import InvalidArgumentError
from .base import StoreChecks, needs
from .child import child
from .pieces import KEY, Interrupted
from .threads import side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...contracts.store import Store

__all__ = ["CapabilityChecks"]

_ROUNDS = 20
_MANY = 70
_THREADS = 8
_PROCESSES = 3


class CapabilityChecks(StoreChecks):
    """What is declared works; what is not declared is refused."""

    def test_the_store_declares_itself(self, store: Store) -> None:
        assert isinstance(store.name, str)
        assert store.name
        assert isinstance(store.location, str)
        assert store.location
        assert isinstance(store.capabilities, StoreCapabilities)

    @needs("put_if_absent")
    def test_put_if_absent_writes_where_nothing_is(self, store: Store) -> None:
        assert store.put_if_absent(KEY, [b"the ", bytearray(b"value")]) is True

        assert store.get(KEY) == b"the value"
        assert [(entry.key, entry.size) for entry in store.list()] == [(KEY, 9)]

    @needs("put_if_absent")
    def test_put_if_absent_spares_what_is_there(self, store: Store) -> None:
        for there in (b"value", b""):
            store.put(KEY, [there])

            assert store.put_if_absent(KEY, [b"other"]) is False
            assert store.get(KEY) == there

    @needs("put_if_absent")
    def test_put_if_absent_writes_again_after_a_delete(self, store: Store) -> None:
        store.put_if_absent(KEY, [b"old"])
        store.delete(KEY)

        assert store.put_if_absent(KEY, [b"new"]) is True
        assert store.get(KEY) == b"new"

    @needs("put_if_absent")
    def test_put_if_absent_lets_one_of_two_win_that_overlap(self, store: Store) -> None:
        other = self.reopen(store)
        won: dict[str, bool] = {}

        def put_in_between() -> None:
            won["inner"] = other.put_if_absent(KEY, [b"inner"])

        pieces = Interrupted(b"ou", b"ter", between=put_in_between)
        won["outer"] = store.put_if_absent(KEY, pieces)

        [winner] = [name for name, has_won in won.items() if has_won]
        assert store.get(KEY) == winner.encode()

    @needs("put_if_absent")
    def test_put_if_absent_lets_one_of_many_threads_win(self, store: Store) -> None:
        instances = [store, self.reopen(store)]
        keys = [f"round/{number}" for number in range(_ROUNDS)]

        def compete(thread: int, meet: Callable[[], object]) -> list[bool]:
            won = []
            for key in keys:
                meet()
                won.append(instances[thread % 2].put_if_absent(key, [b"%d" % thread]))
            return won

        results = side_by_side(_THREADS, compete)

        for key, *won in zip(keys, *results, strict=True):
            assert won.count(True) == 1
            assert store.get(key) == b"%d" % won.index(True)

    @needs("put_if_absent")
    def test_put_if_absent_lets_one_of_many_processes_win(self, store: Store) -> None:
        with ExitStack() as stack:
            children = [
                stack.enter_context(child("put_if_absent", store)) for _ in range(_PROCESSES)
            ]
            assert [one.wait_for_line() for one in children] == [b"ready"] * _PROCESSES
            for one in children:
                one.send(b"go\n")
            won = [one.wait_for_line() for one in children]

        assert sorted(won) == [b"False"] * (_PROCESSES - 1) + [b"True"]

    @needs("put_if_absent")
    def test_a_writer_killed_in_the_middle_of_put_if_absent_leaves_the_key_free(
        self, store: Store
    ) -> None:
        with child("half_a_put_if_absent", store) as writer:
            assert writer.wait_for_line() == b"half"
            writer.kill()

        assert store.get(KEY) is None
        assert not list(store.list())
        assert store.put_if_absent(KEY, [b"value"]) is True

    @needs("touch")
    def test_touch_sets_the_time_and_nothing_else(self, store: Store) -> None:
        store.put(KEY, [b"value"])
        [written] = store.list()
        deadline = time.monotonic() + 3  # some stores count whole seconds
        touched = written

        while touched.modified <= written.modified and time.monotonic() < deadline:
            assert store.touch(KEY) is True
            [touched] = store.list()

        assert touched.modified > written.modified
        assert touched.size == written.size
        assert store.get(KEY) == b"value"

    @needs("touch")
    def test_touch_of_a_missing_entry_makes_none(self, store: Store) -> None:
        store.put("some/other/entry", [b"value"])

        assert store.touch(KEY) is False
        assert store.touch("some/other") is False
        assert [entry.key for entry in store.list()] == ["some/other/entry"]

    @needs("get_many")
    def test_get_many_gives_what_get_gives_one_after_the_other(self, store: Store) -> None:
        there = [f"many/{number}" for number in range(_MANY)]
        for key in there[1::2]:
            store.put(key, [key.encode() * 3])
        store.put(there[2], [])
        asked = [*reversed(there), there[1], there[1], "other/entry"]

        for start, stop in [(0, None), (2, 9), (7, None), (0, 0)]:
            found = store.get_many(asked, start, stop)

            assert list(found) == [store.get(key, start, stop) for key in asked]
        assert all(one is None or isinstance(one, bytes) for one in store.get_many(asked))

    @needs("get_many")
    def test_get_many_of_nothing_is_nothing(self, store: Store) -> None:
        store.put(KEY, [b"value"])

        assert list(store.get_many([])) == []

    @needs("get_many")
    def test_get_many_refuses_what_is_no_key(self, store: Store) -> None:
        store.put(KEY, [b"value"])

        with pytest.raises(InvalidArgumentError):
            store.get_many([KEY, "../other"])

    @needs("local_paths")
    def test_a_local_path_is_a_file_of_just_the_bytes(self, store: Store) -> None:
        for value in (b"value", b"", b"x" * 100_000):
            store.put(KEY, [value])

            path = store.local_path(KEY)

            assert path is not None
            assert path.read_bytes() == value

    @needs("local_paths")
    def test_a_missing_entry_has_no_local_path(self, store: Store) -> None:
        store.put("some/other/entry", [b"value"])

        assert store.local_path(KEY) is None
        assert store.local_path("some/other") is None

    @needs("local_paths")
    def test_a_mapped_entry_keeps_its_bytes_when_it_is_replaced_or_deleted(
        self, store: Store
    ) -> None:
        store.put(KEY, [b"old" * 10_000])
        path = store.local_path(KEY)
        assert path is not None

        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        ):
            store.put(KEY, [b"new" * 10_000])
            store.delete(KEY)

            assert os.fstat(file.fileno()).st_size == 30_000
            assert mapped[:] == b"old" * 10_000
