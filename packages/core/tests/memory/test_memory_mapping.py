"""Results with arrays: read into memory, or mapped from their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fanfold import Memory
from fanfold.errors import FanfoldWarning

np = pytest.importorskip("numpy")


def ramp(n: int) -> dict[str, Any]:
    return {"values": np.arange(n, dtype=float)}


@pytest.mark.parametrize("n", [10, 100_000, 1_000_000])
def test_arrays_that_are_found_can_be_written(memory: Memory, n: int) -> None:
    cached = memory.cache(ramp)
    cached(n)

    values = cached(n)["values"]
    values[0] = 7

    assert not isinstance(values, np.memmap)
    assert cached(n)["values"][0] == 0


@pytest.mark.parametrize("mode", ["r", "r+", "w+", "c"])
def test_arrays_are_mapped_on_the_first_call_and_on_later_ones(tmp_path: Path, mode: str) -> None:
    cached = Memory(tmp_path, mmap_mode=mode, verbose=0).cache(ramp)

    first, second = cached(1000)["values"], cached(1000)["values"]

    assert isinstance(first, np.memmap)
    assert isinstance(second, np.memmap)
    assert np.array_equal(first, np.arange(1000))


def test_a_shelved_result_is_mapped_too(tmp_path: Path) -> None:
    cached = Memory(tmp_path, mmap_mode="r", verbose=0).cache(ramp)

    assert isinstance(cached.call_and_shelve(1000).get()["values"], np.memmap)


def test_arrays_that_are_mapped_as_read_only_cannot_be_written(tmp_path: Path) -> None:
    values = Memory(tmp_path, mmap_mode="r", verbose=0).cache(ramp)(1000)["values"]

    with pytest.raises(ValueError, match="read-only"):
        values[0] = 7


@pytest.mark.parametrize("mode", ["r+", "w+", "c"])
def test_writing_to_a_mapped_array_does_not_change_the_result(tmp_path: Path, mode: str) -> None:
    cached = Memory(tmp_path, mmap_mode=mode, verbose=0).cache(ramp)

    cached(1000)["values"][0] = 7

    assert cached(1000)["values"][0] == 0


def test_a_function_can_be_mapped_otherwise_than_its_memory(tmp_path: Path) -> None:
    memory = Memory(tmp_path, mmap_mode="r", verbose=0)

    assert not isinstance(memory.cache(ramp, mmap_mode=None)(1000)["values"], np.memmap)
    assert isinstance(memory.cache(ramp)(1000)["values"], np.memmap)


def test_compressed_results_cannot_be_mapped_and_that_is_told_once(tmp_path: Path) -> None:
    with pytest.warns(FanfoldWarning, match="no effect: results are compressed") as told:
        cached = Memory(tmp_path, mmap_mode="r", compress=True, verbose=0).cache(ramp)

    assert len(told) == 1
    assert np.array_equal(cached(1000)["values"], cached(1000)["values"])


def test_a_store_without_files_cannot_be_mapped_and_that_is_told(tmp_path: Path) -> None:
    with pytest.warns(FanfoldWarning, match="the store 'dict' has no files"):
        cached = Memory(f"dict://{tmp_path}", mmap_mode="r", verbose=0).cache(ramp)

    assert not isinstance(cached(1000)["values"], np.memmap)


def test_a_mapped_result_outlives_its_entry(tmp_path: Path) -> None:
    memory = Memory(tmp_path, mmap_mode="r", verbose=0)
    values = memory.cache(ramp)(1000)["values"]

    memory.clear()

    assert values[999] == 999


def test_a_mapped_entry_that_is_damaged_is_computed_again(tmp_path: Path) -> None:
    memory = Memory(tmp_path, mmap_mode="r", verbose=0)
    cached = memory.cache(ramp)
    cached(1000)
    assert memory.store_backend is not None
    (entry,) = memory.store_backend.list()
    memory.store_backend.put(entry.key, [b"nonsense" * 100])

    with pytest.warns(FanfoldWarning, match="is computed again"):
        assert cached(1000)["values"][999] == 999
