"""Caching functions of arrays: the work is done once, and results can be left on disk.

What to see: the second call of ``interpolate`` computes nothing and gives an equal array. A shelved
result is only a reference, small however large the array is; ``get`` reads it when it is wanted,
and after ``clear`` it can no longer be read.
"""

from __future__ import annotations

import pickle
import tempfile
from time import perf_counter

import numpy as np
from fanfold import Memory
from fanfold.errors import CacheMissError


def interpolate(samples: np.ndarray, factor: int) -> np.ndarray:
    """Return `samples` with points between them, found the slow way."""
    print(f"computing {factor} points for each of {len(samples)} samples")
    positions = np.linspace(0, len(samples) - 1, factor * len(samples))
    distances = positions[:, np.newaxis] - np.arange(len(samples))
    return np.asarray(np.sinc(distances) @ samples)


def main(location: str) -> None:
    """Show cached and shelved results, kept in a directory."""
    cached = Memory(location, verbose=0).cache(interpolate)
    samples = np.sin(np.linspace(0, 20, 1_000))

    began = perf_counter()
    first = cached(samples, factor=20)
    computed_in = perf_counter() - began

    began = perf_counter()
    again = cached(samples.copy(), factor=20)  # another array with the same values
    read_in = perf_counter() - began
    print(f"computed in {computed_in:.3f} s, found again in {read_in:.3f} s")
    assert np.array_equal(first, again)

    shelved = cached.call_and_shelve(samples, factor=20)
    print(f"an array of {first.nbytes:,} bytes, a reference of {len(pickle.dumps(shelved)):,}")
    assert np.array_equal(shelved.get(), first)
    assert len(pickle.dumps(shelved)) < first.nbytes / 50

    shelved.clear()
    try:
        shelved.get()
    except CacheMissError as error:
        print(f"after clear(): {error}")
    else:
        raise AssertionError("a cleared result can still be read")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        main(directory)
