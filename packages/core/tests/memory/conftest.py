"""Stores for the tests of Memory: the local one, the least the contract asks, and a broken one."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import pytest
from fanfold import Memory
from fanfold.contracts import Piece, Store, StoreCapabilities, StoreEntry, check_key
from fanfold.errors import StoreError
from fanfold.plugins import stores


class DictStore(Store):
    """Entries in this process, and nothing beyond the required methods."""

    name = "dict"
    spaces: ClassVar[dict[str, dict[str, tuple[bytes, float]]]] = {}

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.space = self.spaces.setdefault(location, {})

    def get(self, key: str, start: int = 0, stop: int | None = None) -> bytes | None:
        found = self.space.get(check_key(key))
        return None if found is None else found[0][start:stop]

    def put(self, key: str, pieces: Sequence[Piece]) -> None:
        self.space[check_key(key)] = (b"".join(pieces), time.time())

    def delete(self, key: str) -> bool:
        return self.space.pop(check_key(key), None) is not None

    def list(self, prefix: str = "") -> Iterator[StoreEntry]:
        for key, (data, modified) in list(self.space.items()):
            if key.startswith(prefix):
                yield StoreEntry(key, len(data), modified)


class BrokenStore(DictStore):
    """A store whose methods fail from the moment that their name is put into `broken`."""

    name = "broken"
    capabilities = StoreCapabilities(touch=True)
    broken: ClassVar[set[str]] = set()

    def _fail(self, method: str) -> None:
        if method in self.broken:
            raise StoreError(errno.ENOSPC, f"cannot {method} in {self.location}: disk is full")

    def get(self, key: str, start: int = 0, stop: int | None = None) -> bytes | None:
        self._fail("get")
        return super().get(key, start, stop)

    def put(self, key: str, pieces: Sequence[Piece]) -> None:
        self._fail("put")
        super().put(key, pieces)

    def delete(self, key: str) -> bool:
        self._fail("delete")
        return super().delete(key)

    def touch(self, key: str) -> bool:
        self._fail("touch")
        return key in self.space


class LocklessStore(DictStore):
    """A store whose locks are all taken, and cannot be waited for."""

    name = "lockless"
    capabilities = StoreCapabilities(locks=True)

    def lock(self, name: str, *, wait: bool = True) -> Callable[[], None] | None:
        if wait:
            raise StoreError(errno.ENOLCK, f"cannot wait for a lock in {self.location}")
        return None


@pytest.fixture(autouse=True)
def _test_stores() -> Iterator[None]:
    stores.register("dict", DictStore)
    stores.register("broken", BrokenStore)
    stores.register("lockless", LocklessStore)
    yield
    stores.unregister("dict")
    stores.unregister("broken")
    stores.unregister("lockless")
    DictStore.spaces.clear()
    BrokenStore.broken.clear()


@pytest.fixture(params=["local", "dict"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A location of each store."""
    return str(tmp_path / "cache") if request.param == "local" else f"dict://{tmp_path}"


@pytest.fixture
def memory(location: str) -> Memory:
    return Memory(location, verbose=0)


@pytest.fixture
def local(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "cache", verbose=0)


@pytest.fixture
def broken(tmp_path: Path) -> tuple[Memory, set[str]]:
    """A memory, and the names of its store's methods that are to fail."""
    return Memory(f"broken://{tmp_path}", verbose=0), BrokenStore.broken


@pytest.fixture
def entries(location: str) -> Callable[[], list[str]]:
    """Return the keys of all entries."""
    return lambda: sorted(entry.key for entry in stores.for_location(location)(location).list())
