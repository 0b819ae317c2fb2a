"""Checks of names: which keys there are, what a listing tells of them, how they go."""

from __future__ import annotations

import string
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ClassVar

import pytest

from ...errors import InvalidArgumentError
from .base import StoreChecks
from .pieces import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...contracts.store import Store

__all__ = ["KeyChecks"]

_LEGAL = {
    "a letter": "a",
    "two parts": "a/b",
    "every character": string.ascii_letters + string.digits + "_-+=@,.",
    "dots inside": "a.b/c..d/e.",
    "a long part": "x" * 200,
    "many parts": "/".join("abcdefghijklmnopqrstuvwxyz"),
    "the longest": "/".join(["x" * 127] * 4),
}

_ILLEGAL = {
    "empty": "",
    "a slash": "/",
    "a slash first": "/a",
    "a slash last": "a/",
    "two slashes": "a//b",
    "the part dot": "a/./b",
    "the part dot dot": "a/../b",
    "out of the store": "../a",
    "a hidden part": "a/.b",
    "a space": "a b",
    "a backslash": "a\\b",
    "a colon": "C:a",
    "a percent sign": "a%2Fb",
    "angle brackets": "<lambda>",
    "a null": "a\0b",
    "a newline": "a\n",
    "not ASCII": "\u00e9",
    "too long a part": "x" * 201,
    "too long": "/".join(["x" * 128] * 4),
}


class KeyChecks(StoreChecks):
    """Entries are found by their keys, and by nothing else."""

    clock_tolerance: ClassVar[float] = 5.0
    """How far the clock of the store may be from this machine's, in seconds."""

    @pytest.mark.parametrize("key", _LEGAL.values(), ids=_LEGAL)
    def test_a_legal_key_works(self, store: Store, key: str) -> None:
        store.put(key, [b"value"])

        assert store.get(key) == b"value"
        assert [entry.key for entry in store.list()] == [key]
        assert store.delete(key)

    @pytest.mark.parametrize("key", _ILLEGAL.values(), ids=_ILLEGAL)
    def test_an_illegal_key_is_refused(self, store: Store, key: str) -> None:
        uses: list[Callable[[], object]] = [
            lambda: store.get(key),
            lambda: store.put(key, [b"value"]),
            lambda: store.delete(key),
        ]
        if store.capabilities.put_if_absent:
            uses.append(lambda: store.put_if_absent(key, [b"value"]))
        if store.capabilities.touch:
            uses.append(lambda: store.touch(key))
        if store.capabilities.local_paths:
            uses.append(lambda: store.local_path(key))

        for use in uses:
            with pytest.raises(InvalidArgumentError):
                use()
        assert not list(store.list())

    def test_similar_keys_are_different_entries(self, store: Store) -> None:
        keys = ["a/b", "ab", "a-b", "a.b", "a_b", "aa/b", "a+b", "a=b", "b/a"]

        for key in keys:
            store.put(key, [key.encode()])

        assert {key: store.get(key) for key in keys} == {key: key.encode() for key in keys}

    def test_the_beginning_of_a_key_is_no_entry(self, store: Store) -> None:
        store.put("a/b/c", [b"value"])

        assert store.get("a/b") is None
        assert store.get("a/b", 0, 10) is None
        assert store.delete("a/b") is False
        assert store.get("a/b/c/d") is None
        assert store.delete("a/b/c/d") is False
        assert store.get("a/b/c") == b"value"

    def test_an_empty_store_lists_nothing(self, store: Store) -> None:
        assert not list(store.list())
        assert not list(store.list("a/"))

    def test_every_entry_is_listed_once_with_its_size(self, store: Store) -> None:
        sizes = {"a": 0, "b/a": 1, "b/b": 1000, "b/c/d/e": 7, "c": 70_000}
        for key, size in sizes.items():
            store.put(key, [b"x" * size])
        store.put("a", [b"xyz"])

        entries = list(store.list())

        assert len(entries) == len(sizes)
        assert {entry.key: entry.size for entry in entries} == sizes | {"a": 3}

    def test_more_entries_are_listed_than_one_answer_may_hold(self, store: Store) -> None:
        keys = {f"many/{number}" for number in range(1100)}
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda key: store.put(key, [b"x"]), keys))

        listed = [entry.key for entry in store.list("many/")]

        assert len(listed) == len(keys)
        assert set(listed) == keys

    def test_a_prefix_selects_whole_parts(self, store: Store) -> None:
        for key in ("a/x", "a/b/y", "ab/x", "b/a/x", "c"):
            store.put(key, [b"value"])

        def listed(prefix: str) -> list[str]:
            return sorted(entry.key for entry in store.list(prefix))

        assert listed("a/") == ["a/b/y", "a/x"]
        assert listed("a/b/") == ["a/b/y"]
        assert listed("b/") == ["b/a/x"]
        assert listed("c/") == []
        assert listed("missing/") == []

    @pytest.mark.parametrize("prefix", ["a", "/", "a//", "../", ".a/", "a b/"])
    def test_a_prefix_that_is_not_whole_parts_is_refused(self, store: Store, prefix: str) -> None:
        with pytest.raises(InvalidArgumentError):
            list(store.list(prefix))

    def test_an_entry_tells_when_it_was_written(self, store: Store) -> None:
        before = time.time() - self.clock_tolerance

        store.put(KEY, [b"value"])

        [entry] = store.list()
        assert before <= entry.modified <= time.time() + self.clock_tolerance

    def test_entries_may_be_deleted_while_they_are_listed(self, store: Store) -> None:
        keys = {f"{folder}/{name}" for folder in "abc" for name in "xyz"}
        for key in keys:
            store.put(key, [b"value"])

        deleted = {entry.key for entry in store.list() if store.delete(entry.key)}

        assert deleted == keys
        assert not list(store.list())

    def test_what_stays_is_listed_once_while_other_entries_come_and_go(self, store: Store) -> None:
        staying = {f"{folder}/stays{number}" for folder in "abc" for number in range(10)}
        for key in staying:
            store.put(key, [b"value"])
            store.put(key.replace("stays", "goes"), [b"value"])

        listed = []
        for number, entry in enumerate(store.list()):
            listed.append(entry.key)
            store.put(f"{'abcd'[number % 4]}/came{number % 50}", [b"value"])
            store.delete(f"{'abc'[number % 3]}/goes{number % 10}")

        assert sorted(key for key in listed if "stays" in key) == sorted(staying)

    def test_a_deleted_entry_is_gone(self, store: Store) -> None:
        store.put(KEY, [b"value"])

        assert store.delete(KEY) is True
        assert store.get(KEY) is None
        assert not list(store.list())
        assert store.delete(KEY) is False

    def test_a_delete_spares_other_entries(self, store: Store) -> None:
        others = ["a/b", "a/c/d", "ab", "b"]
        for key in ("a/c/e", *others):
            store.put(key, [b"value"])

        store.delete("a/c/e")

        assert sorted(entry.key for entry in store.list()) == others

    def test_a_deleted_entry_may_be_put_again(self, store: Store) -> None:
        store.put(KEY, [b"old"])
        store.delete(KEY)

        store.put(KEY, [b"new"])

        assert store.get(KEY) == b"new"
