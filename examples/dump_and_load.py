"""Keeping an object in a file: plain, with every compressor, and through an open file.

What to see: what is loaded equals what was dumped, whichever way it was compressed; the file's
ending can choose the compressor; a plain file can be mapped, so that nothing is read until it is
needed.
"""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import numpy as np
from fanfold import dump, load

COMPRESSORS = ("zlib", "gzip", "bz2", "lzma", "xz", "lz4", "zstd")
ENDINGS = {"zlib": ".z", "gzip": ".gz", "bz2": ".bz2", "lzma": ".lzma", "xz": ".xz", "lz4": ".lz4"}


def main(folder: Path) -> None:
    """Dump and load one object in every way."""
    steps = np.random.default_rng(0).integers(-1, 2, size=200_000)
    walk = {"name": "a random walk", "positions": steps.cumsum()}

    def check(loaded: dict[str, object]) -> None:
        assert loaded["name"] == walk["name"]
        assert np.array_equal(loaded["positions"], walk["positions"])  # type: ignore[arg-type]

    plain = folder / "walk.fan"
    dump(walk, plain)
    check(load(plain))
    print(f"{'plain':>20} {plain.stat().st_size:>10,} bytes")

    for method in COMPRESSORS:
        path = folder / f"walk-{method}"
        dump(walk, path, compress=(method, 3))
        check(load(path))
        print(f"{method:>20} {path.stat().st_size:>10,} bytes")
        assert path.stat().st_size < plain.stat().st_size / 2

    for method, ending in ENDINGS.items():
        path = folder / f"walk{ending}"
        dump(walk, path)
        check(load(path))
        print(f"{'ending in ' + ending:>20} {path.stat().st_size:>10,} bytes, by {method}")
        assert path.stat().st_size < plain.stat().st_size / 2

    mapped = load(plain, mmap_mode="r")["positions"]
    assert isinstance(mapped, np.memmap)
    print(f"mapped, not read: an array of {mapped.nbytes:,} bytes")

    with gzip.open(folder / "walk-of-ours.gz", "wb") as file:
        dump(walk, file)
    with gzip.open(folder / "walk-of-ours.gz", "rb") as file:
        check(load(file))
    print("through an open file, compressed by the program itself: equal")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        main(Path(directory))
