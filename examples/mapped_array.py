"""Working in parallel on an array that lies in a file, which nobody reads as a whole.

What to see: the rows of a file are summed by workers that each map it, and the sums are written
into another file which all of them map for writing. Only the file's name and the numbers of rows
travel.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from fanfold import Parallel, delayed, dump, load

ROWS, COLUMNS, AT_ONCE = 2_000, 1_000, 250


def sum_rows(samples: np.ndarray, sums: np.ndarray, start: int, stop: int) -> None:
    """Write the sums of some rows of `samples` into `sums`."""
    sums[start:stop] = samples[start:stop].sum(axis=1)


def main(folder: Path) -> None:
    """Write an array to a file, and sum its rows."""
    samples = np.random.default_rng(0).normal(size=(ROWS, COLUMNS))
    dump(samples, folder / "samples.fan")

    mapped = load(folder / "samples.fan", mmap_mode="r")
    sums = np.memmap(folder / "sums", dtype=mapped.dtype, shape=ROWS, mode="w+")
    Parallel(n_jobs=2)(
        delayed(sum_rows)(mapped, sums, start, start + AT_ONCE) for start in range(0, ROWS, AT_ONCE)
    )

    print(f"summed {ROWS:,} rows of a file of {mapped.nbytes:,} bytes")
    assert isinstance(mapped, np.memmap)
    assert np.allclose(sums, samples.sum(axis=1))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        main(Path(directory))
