"""Checks of a store as :class:`fanfold.Memory` uses it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

import pytest

from ...errors import FanfoldWarning
from ...memory import Memory
from ...plugins import stores
from .base import StoreChecks
from .pieces import KEY

if TYPE_CHECKING:
    from ...contracts.store import Store

__all__ = ["CachingChecks"]

OpenMemory: TypeAlias = Callable[[], Memory]

_NAME = "store-under-test"


def _draw(size: int) -> bytes:
    """Return what is never the same twice, unless it is cached."""
    return os.urandom(size)


class CachingChecks(StoreChecks):
    """A store serves a cache."""

    @pytest.fixture
    def open_memory(self, store: Store) -> Iterator[OpenMemory]:
        """Give a function that returns another Memory over `store` each time."""
        stores.register(_NAME, lambda _location, **_options: self.reopen(store))
        yield lambda: Memory(store.location, backend=_NAME, verbose=0)
        stores.unregister(_NAME)

    @pytest.mark.parametrize("size", [8, 1 << 20], ids=["small", "large"])
    def test_memory_finds_what_another_memory_has_kept(
        self, open_memory: OpenMemory, size: int
    ) -> None:
        kept = open_memory().cache(_draw)(size)

        # Compared beforehand: to show how two long values differ takes pytest minutes.
        is_found = open_memory().cache(_draw)(size) == kept
        is_mixed_up = open_memory().cache(_draw)(size + 1) == kept
        assert len(kept) == size
        assert is_found
        assert not is_mixed_up

    def test_memory_computes_again_what_was_damaged(
        self, store: Store, open_memory: OpenMemory
    ) -> None:
        kept = open_memory().cache(_draw)(1000)
        [entry] = store.list()
        whole = store.get(entry.key)
        assert whole is not None
        store.put(entry.key, [whole[: len(whole) // 2]])

        with pytest.warns(FanfoldWarning):
            computed = open_memory().cache(_draw)(1000)

        assert computed != kept
        assert open_memory().cache(_draw)(1000) == computed

    def test_memory_removes_its_results_and_nothing_else(
        self, store: Store, open_memory: OpenMemory
    ) -> None:
        store.put(KEY, [b"value"])
        memory = open_memory()
        for size in (8, 9, 10):
            memory.cache(_draw)(size)

        memory.reduce_size(items_limit=1)
        assert len(list(store.list())) == 2

        memory.clear()
        assert [entry.key for entry in store.list()] == [KEY]
