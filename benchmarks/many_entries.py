"""What a call, an eviction and a look at a cache cost, by how many results it holds.

::

    python benchmarks/many_entries.py [COUNT ...]

The default is 10,000 and 1,000,000, which takes some minutes and 4 GB of the temporary directory.
Results have 100 bytes. Times are CPU seconds of this process, system included, so that a busy
machine does not count; each is divided by how many operations there were.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from typing import Any

from fanfold import Memory
from fanfold.persistence import encode

MOST_CALLS = 1000
COLUMNS = ("insert", "hit", "insert and evict", "reduce_size", "stats, each time", "list")


def main() -> None:
    """Print a row for each number of entries."""
    print("| entries | fill | " + " | ".join(COLUMNS) + " |")
    print("|---|---|" + "---|" * len(COLUMNS))
    for count in map(int, sys.argv[1:] or ("10000", "1000000")):
        with tempfile.TemporaryDirectory() as folder:
            figures = measure(folder, count)
        print(f"| {count:,} | " + " | ".join(f"{1e6 * one:,.0f} µs" for one in figures) + " |")
        sys.stdout.flush()


def measure(folder: str, count: int) -> list[float]:
    """Return the CPU seconds of each operation."""
    memory = Memory(folder, verbose=0)
    cached: Any = memory.cache(block)
    store: Any = memory.store_backend

    fill = spent(lambda: [store.put(key(i), [entry(i)]) for i in range(count)], count)
    memory.stats()  # takes over what is left in the log
    calls = min(count, MOST_CALLS)
    numbers = range(calls)
    insert = spent(lambda: [cached(i) for i in numbers], calls)
    hit = spent(lambda: [cached(i) for i in numbers], calls)
    limited: Any = Memory(folder, verbose=0, max_entries=count + calls).cache(block)
    limited(-1)  # looks at how much there is
    evict = spent(lambda: [limited(calls + i) for i in numbers], calls)
    left = memory.stats().entries - calls
    reduce = spent(lambda: memory.reduce_size(items_limit=left), calls)
    stats = spent(memory.stats, 1)
    listed = spent(lambda: list(islice(store.list(), count)), count)
    return [fill, insert, hit, evict, reduce, stats, listed]


def spent(action: Callable[[], object], times: int) -> float:
    """Return the CPU seconds of each of so many operations."""
    start = time.process_time()
    action()
    return (time.process_time() - start) / times


def block(number: int) -> bytes:
    """Return 100 bytes."""
    return b"%0100d" % number


def entry(number: int) -> bytes:
    """Return such a result as a Memory keeps it."""
    metadata = {"function": "block", "duration": 1.0, "time": 1.0, "input_args": {"number": "1"}}
    return b"".join(encode(block(number), metadata=metadata))


def key(number: int) -> str:
    """Return a key that looks like a hash."""
    return f"fanfold/filler/{'0' * 32}/{number * 0x9E3779B97F4A7C15 % 2**128:032x}"


if __name__ == "__main__":
    main()
