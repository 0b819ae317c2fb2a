"""Checks of a store that knows how much it holds, and what was not used for longest."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .base import StoreChecks, needs

if TYPE_CHECKING:
    from ...contracts.store import Store

__all__ = ["IndexChecks"]

_MANY = 500


class IndexChecks(StoreChecks):
    """Totals and the order of use follow what happens, whichever instance it happens through."""

    @needs("indexed")
    def test_totals_follow_what_is_put_and_deleted(self, store: Store, second: Store) -> None:
        assert store.totals() == (0, 0)
        store.put("a/b/one", [b"1"])
        store.put("a/c/two", [b"22"])
        second.put("d/three", [b"333"])
        assert store.totals() == second.totals() == (3, 6)

        store.put("a/b/one", [b"4444"])
        second.delete("a/c/two")

        assert store.totals() == second.totals() == (2, 7)
        assert store.totals("a/") == second.totals("a/b/") == (1, 4)
        assert store.totals("nothing/") == (0, 0)

    @needs("indexed")
    def test_what_was_not_used_for_longest_comes_first(self, store: Store, second: Store) -> None:
        for key in ("a/one", "a/two", "b/three"):
            _put_later(store, key)
        assert [entry.key for entry in store.by_use()] == ["a/one", "a/two", "b/three"]

        _put_later(second, "a/one")

        assert [entry.key for entry in store.by_use()] == ["a/two", "b/three", "a/one"]
        assert [entry.key for entry in store.by_use("a/")] == ["a/two", "a/one"]
        assert set(store.by_use()) == set(store.list())

    @needs("indexed")
    def test_entries_may_be_deleted_in_the_order_of_use(self, store: Store) -> None:
        keys = {f"a/{number}" for number in range(_MANY)}
        for key in keys:
            store.put(key, [b"value"])

        deleted = set()
        for entry in store.by_use():
            deleted.add(entry.key)
            assert store.delete(entry.key)

        assert deleted == keys
        assert store.totals() == (0, 0)


def _put_later(store: Store, key: str) -> None:
    """Put an entry again and again until its time is later than those of all others."""
    latest = max((entry.modified for entry in store.list()), default=0.0)
    deadline = time.monotonic() + 3  # some stores count whole seconds
    while time.monotonic() < deadline:
        store.put(key, [key.encode()])
        [written] = (entry for entry in store.list() if entry.key == key)
        if written.modified > latest:
            return
