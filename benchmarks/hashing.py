"""hash beside joblib's.

::

    python benchmarks/hashing.py [--quick] [--only TEXT]

The ``limit`` is xxh3-128 over memory that is in one piece already: what a single thread can do at
best. Where there is no such memory, it is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import fanfold
import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]  # it has no annotations
import xxhash
from measure import Case, machine, options, show, table
from sklearn.ensemble import RandomForestRegressor

CALLS = 100


def main() -> None:
    """Print the table."""
    asked = options(__doc__)
    shrink, repetitions = (10, 1) if asked.quick else (1, 11)
    print(machine(), end="\n\n")
    show(table(cases(shrink, repetitions), asked.only))


def cases(shrink: int, repetitions: int) -> Iterator[Case]:
    """Yield a row for each value that is hashed."""
    for name, value in (arrays(shrink) | trees(shrink) | tables(shrink)).items():
        contestants: dict[str, Callable[[], object]] = {
            "fanfold": partial(fanfold.hash, value),
            "joblib": partial(joblib.hash, value),
        }
        if isinstance(value, np.ndarray) and value.flags.c_contiguous and value.nbytes > 1 << 20:
            contestants["limit"] = partial(xxhash.xxh3_128_digest, value.view(np.uint8).data)
        yield Case(f"hash {name}", contestants, repetitions)
    for name, value in small_values().items():
        often: dict[str, Callable[[], object]] = {
            "fanfold": partial(repeated, fanfold.hash, value),
            "joblib": partial(repeated, joblib.hash, value),
        }
        yield Case(f"hash {name}", often, repetitions, CALLS)


def repeated(function: Callable[[object], object], value: object) -> None:
    """Call a function as often as a row of small values asks for."""
    for _ in range(CALLS):
        function(value)


def arrays(shrink: int) -> dict[str, Any]:
    """Return arrays in several layouts."""
    megabytes = 100 // shrink
    numbers = np.random.default_rng(0).random(megabytes * 125_000)
    square = numbers.reshape(500, -1)
    return {
        f"an array of {megabytes} MB": numbers,
        f"an array of {megabytes} MB of integers": numbers.view(np.int64),
        f"an array of {megabytes} MB by columns": np.asfortranarray(square),
        f"every second column of {megabytes} MB": square[:, ::2],
        f"{10_000 // shrink:,} small arrays": list(np.arange(100_000.0 // shrink).reshape(-1, 10)),
    }


def trees(shrink: int) -> dict[str, Any]:
    """Return values of Python's own types, and an estimator."""
    random = np.random.default_rng(0)
    n_items, n_rows = 200_000 // shrink, 100_000 // shrink
    rows = random.random((1_000, 5))
    forest = RandomForestRegressor(20, random_state=0).fit(rows, rows[:, 0])
    return {
        f"a list of {n_items:,} floats": random.random(n_items).tolist(),
        f"a list of {n_items:,} strings": [f"item {i}" for i in range(n_items)],
        f"a dict of {n_rows:,} numbers": {f"key {i}": i for i in range(n_rows)},
        f"{n_rows:,} small dicts": [{"id": i, "name": f"item {i}"} for i in range(n_rows)],
        f"a set of {n_rows:,} strings": {f"key {i}" for i in range(n_rows)},
        "a fitted forest of 20 trees": forest,
    }


def tables(shrink: int) -> dict[str, Any]:
    """Return frames and tables of several libraries."""
    random = np.random.default_rng(0)
    n_rows = 100_000 // shrink
    words = [f"word {i % 1000}" for i in range(n_rows)]
    floats = pd.DataFrame(random.random((n_rows, 20)))
    times = pd.date_range("2020", periods=n_rows, freq="s", tz="UTC")
    missing = [None if i % 10 == 0 else i for i in range(n_rows)]
    return {
        f"a frame of 20 x {n_rows:,} floats": floats,
        f"the same and {n_rows:,} strings": floats.assign(word=words),
        f"a frame of {n_rows:,} strings": pd.DataFrame({"word": words}),
        "the same as Python's objects": pd.DataFrame({"word": pd.Series(words, dtype=object)}),
        "the same as categories": pd.DataFrame({"word": pd.Categorical(words)}),
        f"a frame of {n_rows:,} times in a zone": pd.DataFrame({"time": times}),
        f"a frame of {n_rows:,} nullable integers": pd.DataFrame({"n": pd.array(missing)}),
        "a frame of 1,000 x 100 floats": pd.DataFrame(random.random((100, 1_000))),
        f"a table of arrow with {n_rows:,} strings": pa.table({"word": words, "n": missing}),
        f"a frame of polars with {n_rows:,} strings": pl.DataFrame({"word": words, "n": missing}),
    }


def small_values() -> dict[str, Any]:
    """Return what most calls have as arguments."""
    return {
        "a number": 5,
        "a short list": [1, 2.5, "a"],
        "an array of 10 floats": np.arange(10.0),
        "a frame of 2 x 2": pd.DataFrame({"a": [1, 2], "b": [1.5, 2.5]}),
        "a random generator": np.random.default_rng(0),
    }


if __name__ == "__main__":
    main()
