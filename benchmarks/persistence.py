"""dump, load and hash beside their peers.

::

    python benchmarks/persistence.py [--quick] [--only TEXT]

The ``limit`` is what as many bytes take at least: a plain write to a new file, a plain read into
new memory. Files are in the folder for temporary files, and are read from memory, where they are
after they were written. At the end stands the memory that a dump takes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import fanfold
import files
import joblib
import numpy as np
import pandas as pd
from measure import Case, machine, options, show, table


def main() -> None:
    """Print the tables."""
    asked = options(__doc__)
    shrink, repetitions = (10, 1) if asked.quick else (1, 7)
    print(machine(), end="\n\n")
    with tempfile.TemporaryDirectory() as folder:
        show(table(files.cases(Path(folder), shrink, repetitions), asked.only))
    show(table(hashes(shrink, repetitions), asked.only))
    show(files.peaks(asked.quick, asked.only))


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


if __name__ == "__main__":
    main()
