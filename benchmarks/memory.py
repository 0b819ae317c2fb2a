"""Cached calls beside joblib's: a hit, a miss, and the cost of large arguments and results.

::

    python benchmarks/memory.py [--quick] [--only TEXT]

The ``limit`` is ``functools.cache``, which keeps results in the process and compares arguments
rather than hashing them by value; where arguments are arrays there is none.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import fanfold
import joblib
import numpy as np
from measure import Case, machine, options, show, table

CALLS = 100


def main() -> None:
    """Print the table."""
    asked = options(__doc__)
    megabytes, repetitions = (10, 1) if asked.quick else (100, 11)
    print(machine(), end="\n\n")
    with tempfile.TemporaryDirectory() as folder:
        memories = {
            "fanfold": fanfold.Memory(Path(folder, "fanfold"), verbose=0),
            "joblib": joblib.Memory(Path(folder, "joblib"), verbose=0),
        }
        show(table(cases(memories, megabytes, repetitions), asked.only))


def cases(
    memories: dict[str, fanfold.Memory | joblib.Memory], megabytes: int, repetitions: int
) -> Iterator[Case]:
    """Yield the rows of the table."""
    array = np.random.default_rng(0).random(megabytes * 125_000)
    added = {name: memory.cache(add) for name, memory in memories.items()}
    summed = {name: memory.cache(total) for name, memory in memories.items()}
    counted = {name: memory.cache(numbers) for name, memory in memories.items()}
    adding = {**added, "limit": functools.cache(add)}

    hit = {name: hits(cached) for name, cached in adding.items()}
    yield Case("hit on small arguments", hit, repetitions, CALLS)
    miss = {name: misses(cached) for name, cached in adding.items()}
    yield Case("miss on small arguments", miss, repetitions, CALLS)
    yield Case(
        f"hit on an array of {megabytes} MB",
        {name: functools.partial(cached, array) for name, cached in summed.items()},
        repetitions,
    )
    yield Case(
        "hit that returns 10 MB",
        {name: functools.partial(cached, 1_250_000) for name, cached in counted.items()},
        repetitions,
    )


def add(a: int, b: int) -> int:
    """Return a sum."""
    return a + b


def total(array: np.ndarray) -> float:
    """Return the sum of an array."""
    return float(array.sum())


def numbers(n: int) -> np.ndarray:
    """Return an array of so many numbers."""
    return np.arange(float(n))


def hits(cached: Callable[[int, int], int]) -> Callable[[], object]:
    """Return what asks for the same sum over and over."""

    def calls() -> None:
        for _ in range(CALLS):
            cached(1, 2)

    return calls


def misses(cached: Callable[[int, int], int]) -> Callable[[], object]:
    """Return what asks for a new sum each time."""
    fresh = count()

    def calls() -> None:
        for _ in range(CALLS):
            cached(next(fresh), 3)

    return calls


if __name__ == "__main__":
    main()
