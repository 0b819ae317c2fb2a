"""dump, load and hash beside their peers.

::

    python benchmarks/persistence.py [--quick] [--only TEXT]

The ``limit`` is what the disk takes for as many bytes: a plain write, and a plain read into memory
that is there already. Files are in the folder for temporary files.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import fanfold
import joblib
import numpy as np
import pandas as pd
from measure import Case, machine, options, show, table


@dataclass(frozen=True)
class Format:
    """A way to keep an object in a file."""

    dump: Callable[[Any, Path], object]
    load: Callable[[Path], object]


def main() -> None:
    """Print the tables."""
    asked = options(__doc__)
    shrink, repetitions = (10, 1) if asked.quick else (1, 7)
    print(machine(), end="\n\n")
    with tempfile.TemporaryDirectory() as folder:
        show(table(dumps_and_loads(Path(folder), shrink, repetitions), asked.only))
    show(table(hashes(shrink, repetitions), asked.only))


def dumps_and_loads(folder: Path, shrink: int, repetitions: int) -> Iterator[Case]:
    """Yield two rows for each value: it is dumped, and it is loaded."""
    for number, (name, value) in enumerate(dumped_values(shrink).items()):
        paths = {peer: folder / f"{number}-{peer}" for peer in FORMATS}
        for peer, path in paths.items():
            FORMATS[peer].dump(value, path)
        written = paths["fanfold"].read_bytes()
        dump: dict[str, Callable[[], object]] = {
            peer: partial(FORMATS[peer].dump, value, path) for peer, path in paths.items()
        }
        load: dict[str, Callable[[], object]] = {
            peer: partial(FORMATS[peer].load, path) for peer, path in paths.items()
        }
        dump["limit"] = partial(paths["fanfold"].with_suffix(".plain").write_bytes, written)
        load["limit"] = partial(read_into, bytearray(len(written)), paths["fanfold"])
        yield Case(f"dump {name}", dump, repetitions)
        yield Case(f"load {name}", load, repetitions)


def dumped_values(shrink: int) -> dict[str, Any]:
    """Return what is dumped and loaded."""
    dicts = [{"id": i, "name": f"item {i}", "score": i / 7} for i in range(100_000 // shrink)]
    arrays = [np.arange(10.0) + i for i in range(10_000 // shrink)]
    megabytes = 200 // shrink
    return {
        f"{len(dicts):,} small dicts": dicts,
        f"{len(arrays):,} small arrays": arrays,
        f"an array of {megabytes} MB": np.random.default_rng(0).random(megabytes * 125_000),
    }


def hashes(shrink: int, repetitions: int) -> Iterator[Case]:
    """Yield a row for each value that is hashed."""
    for name, value in hashed_values(shrink).items():
        yield Case(
            f"hash {name}",
            {"fanfold": partial(fanfold.hash, value), "joblib": partial(joblib.hash, value)},
            repetitions,
        )


def hashed_values(shrink: int) -> dict[str, Any]:
    """Return what is hashed."""
    random = np.random.default_rng(0)
    megabytes, n_items, n_rows = 100 // shrink, 200_000 // shrink, 100_000 // shrink
    words = [f"word {i % 1000}" for i in range(n_rows)]
    return {
        f"an array of {megabytes} MB": random.random(megabytes * 125_000),
        f"a list of {n_items:,} floats": random.random(n_items).tolist(),
        f"a dict of {n_rows:,} numbers": {f"key {i}": i for i in range(n_rows)},
        f"a frame of 20 x {n_rows:,} floats": pd.DataFrame(random.random((n_rows, 20))),
        f"a frame of {n_rows:,} strings": pd.DataFrame({"word": words}),
    }


def pickle_dump(value: object, path: Path) -> None:
    """Write a pickle of the newest protocol."""
    with path.open("wb") as file:
        pickle.dump(value, file, protocol=pickle.HIGHEST_PROTOCOL)


def pickle_load(path: Path) -> object:
    """Read a pickle."""
    with path.open("rb") as file:
        return pickle.load(file)


def read_into(room: bytearray, path: Path) -> None:
    """Read a file into memory that is there already."""
    with path.open("rb", buffering=0) as file:
        file.readinto(room)


FORMATS = {
    "fanfold": Format(fanfold.dump, fanfold.load),
    "joblib": Format(joblib.dump, joblib.load),
    "pickle": Format(pickle_dump, pickle_load),
}


if __name__ == "__main__":
    main()
