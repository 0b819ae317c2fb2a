"""Caches that are only read: `Memory(read_only=True)`."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fanfold import Memory, expires_after
from fanfold.errors import StoreError


def token(x: object) -> bytes:
    return os.urandom(8)


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[], dict[str, tuple[int, bytes]]]:
    """Return all that is in the cache's directory: bytes and times."""

    def look() -> dict[str, tuple[int, bytes]]:
        return {
            str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
            for path in tmp_path.rglob("*")
        }

    return look


@pytest.fixture
def reading(local: Memory, tmp_path: Path) -> Memory:
    """Open a cache with the result of ``token(1)`` to be read."""
    local.cache(token)(1)
    for path in (tmp_path / "cache" / "fanfold").rglob("*"):
        os.utime(path, (1e9, 1e9))
    return Memory(local.location, verbose=0, read_only=True, max_entries=0)


def test_what_is_there_is_found_and_nothing_is_written(
    local: Memory, reading: Memory, tree: Callable[[], object]
) -> None:
    kept = reading.cache(token)
    before = tree()

    found = [kept(1), kept.call_and_shelve(1).get(), kept(1)]
    missed = kept(2), kept(2)
    expiring = reading.cache(token, cache_validation_callback=expires_after(hours=-1))(1)
    told = reading.stats().entries, len(list(reading.entries()))

    assert tree() == before
    assert set(found) == {local.cache(token)(1)}
    assert missed[0] != missed[1]
    assert expiring not in found
    assert told == (1, 1)


@pytest.mark.parametrize(
    "change",
    [
        lambda memory, cached: memory.clear(),
        lambda memory, cached: memory.reduce_size(items_limit=0),
        lambda memory, cached: cached.clear(),
        lambda memory, cached: cached.put((1,), b"value"),
        lambda memory, cached: cached.invalidate(1),
        lambda memory, cached: cached.call_and_shelve(2),
        lambda memory, cached: cached.call_and_shelve(1).clear(),
    ],
)
def test_what_would_change_it_is_refused(
    reading: Memory, tree: Callable[[], object], change: Callable[[Memory, Any], object]
) -> None:
    before = tree()

    with pytest.raises(StoreError, match=r"read_only=True.* leave that out"):
        change(reading, reading.cache(token))

    assert tree() == before


def test_a_cache_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "nowhere", verbose=0, read_only=True)

    assert len(memory.cache(token)(1)) == 8
    assert not (tmp_path / "nowhere").exists()


def test_results_are_mapped(reading: Memory, local: Memory) -> None:
    np = pytest.importorskip("numpy")
    expected = local.cache(np.arange)(10.0)

    mapped: Any = reading.cache(np.arange, mmap_mode="r")(10.0)

    assert mapped.tolist() == expected.tolist()
    assert not mapped.flags.writeable


def test_what_is_read_only_stays_so_in_another_process(
    reading: Memory, tree: Callable[[], object]
) -> None:
    before = tree()

    pickle.loads(pickle.dumps(reading.cache(token)))(3)

    assert tree() == before


def test_any_store_can_be_read_only(location: str) -> None:
    kept = Memory(location, verbose=0).cache(token)(1)

    reading = Memory(location, verbose=0, read_only=True).cache(token)

    assert reading(1) == kept
    assert reading(2) != reading(2)
    assert reading.store_backend.name == "read-only"  # type: ignore[union-attr]
    reading.store_backend.close()  # type: ignore[union-attr]
