"""Cached calls beside those of joblib, diskcache and cachier: hits, misses, and tasks in a cache.

::

    python benchmarks/memory.py [--quick] [--only TEXT]

diskcache is told the name of the function and compares pickled arguments; neither it nor cachier
notices that a function has changed. ``hot`` is fanfold with a tier in the process,
``Memory(hot="64MB")``. The ``limit`` is ``functools.cache``, which keeps results in the process and
compares arguments rather than hashing them by value; where arguments are arrays there is none.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import fanfold
import joblib
import numpy as np
from cachier import cachier
from diskcache import Cache
from measure import Case, machine, options, show, table

CALLS = 100
Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]


def main() -> None:
    """Print the table."""
    asked = options(__doc__)
    megabytes, repetitions, tasks = (10, 1, 200) if asked.quick else (100, 11, 10_000)
    print(machine(), end="\n\n")
    with tempfile.TemporaryDirectory() as folder:
        show(table(cases(caches(Path(folder)), megabytes, repetitions), asked.only))
    with tempfile.TemporaryDirectory() as folder:
        show(table(cases_of_tasks(Path(folder), tasks, min(repetitions, 3)), asked.only))


def caches(folder: Path) -> dict[str, Decorator]:
    """Return what caches a function, for each contestant."""
    return {
        "fanfold": fanfold.Memory(folder / "fanfold", verbose=0).cache,
        "hot": fanfold.Memory(folder / "hot", verbose=0, hot="64MB").cache,
        "joblib": joblib.Memory(folder / "joblib", verbose=0).cache,
        "diskcache": Cache(str(folder / "diskcache"), size_limit=2**34).memoize(),
        "cachier": cachier(cache_dir=folder / "cachier", separate_files=True),
    }


def cases(caches: dict[str, Decorator], megabytes: int, repetitions: int) -> Iterator[Case]:
    """Yield the rows of the table of single calls."""
    array = np.random.default_rng(0).random(megabytes * 125_000)
    added = {name: cache(add) for name, cache in caches.items()}
    summed = {name: cache(total) for name, cache in caches.items() if name != "hot"}
    counted = {name: cache(numbers) for name, cache in caches.items() if name != "hot"}
    adding: dict[str, Callable[[int, int], int]] = {**added, "limit": functools.cache(add)}

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


def cases_of_tasks(folder: Path, tasks: int, repetitions: int) -> Iterator[Case]:
    """Yield the rows of the table of tasks in a cache, on two processes."""
    libraries: dict[str, Any] = {"fanfold": fanfold, "joblib": joblib}
    cached = {
        name: library.Memory(folder / name, verbose=0).cache(add)
        for name, library in libraries.items()
    }

    def work(name: str, numbers: range) -> Callable[[], object]:
        delayed = libraries[name].delayed(cached[name])
        parallel = libraries[name].Parallel(n_jobs=2)
        return lambda: parallel(delayed(number, 3) for number in numbers)

    def forget(name: str, numbers: range) -> Callable[[], object]:
        """Return what drops the results of these calls."""

        def drop() -> None:
            for number in numbers:
                cached[name].call_and_shelve(number, 3).clear()

        return drop

    few = range(tasks)
    yield Case(
        f"{tasks:,} tasks, all in the cache",
        {name: work(name, few) for name in cached},
        repetitions,
    )
    many = range(10 * tasks)
    yield Case(
        f"{10 * tasks:,} tasks, 1 % not in the cache",
        {name: work(name, many) for name in cached},
        1 if repetitions == 1 else 2,
        setup={name: forget(name, many[50::100]) for name in cached},
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
