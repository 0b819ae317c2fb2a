"""Use one cache in eight processes, and kill them at random moments, round after round.

::

    caching.py FOLDER ROUNDS locks|leases

The processes compute, wait for each other, read, evict and replace results. After each round every
result has to come, and be right, and the index has to know what is on the disk.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fanfold import Memory
from fanfold.cli import main as command_line

PROCESSES = 8
RESULTS = 40
MOST_KEPT = 25
LONGEST_LIFE = 0.1  # seconds
LIMIT = 60
DAY = 24 * 60 * 60.0


def main() -> None:
    """Go through the rounds."""
    folder, rounds, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    settings: dict[str, Any] = {"max_entries": MOST_KEPT}
    if kind == "leases":
        settings |= {"backend_options": {"locks": False}, "lease_seconds": 0.5}
    for number in range(rounds):
        moments = random.Random(number)
        workers = [fork(lambda: use(folder, settings)) for _ in range(PROCESSES)]
        for worker in workers:
            time.sleep(moments.uniform(0, LONGEST_LIFE / PROCESSES))
            os.kill(worker, signal.SIGKILL)
        ends = [os.waitpid(worker, 0)[1] for worker in workers]
        assert ends == [signal.SIGKILL] * PROCESSES, f"round {number}: {ends}"
        _, end = os.waitpid(fork(lambda: check(folder, settings)), 0)
        assert end == 0, f"round {number}: the check ended with {end}"
    check_that_nothing_is_left(folder)
    sys.stdout.write("done\n")


def fork(work: Callable[[], None]) -> int:
    """Run something in a process that is given up if it hangs; return its number."""
    child = os.fork()
    if child:
        return child
    signal.alarm(LIMIT)
    try:
        work()
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def open_cache(folder: str, settings: dict[str, Any]) -> tuple[Memory, Any]:
    """Return the cache, and the function that is cached."""
    memory = Memory(folder, verbose=0, **settings)

    def block(number: int) -> bytes:
        if number % 3 == 0:
            time.sleep(0.002)
        return cached(number - 1)[:0] + value_of(number) if number % 5 == 1 else value_of(number)

    cached: Any = memory.cache(block, version=1)
    return memory, cached


def value_of(number: int) -> bytes:
    """Return what the function is to return."""
    return bytes([number]) * (50 * number + 1)


def use(folder: str, settings: dict[str, Any]) -> None:
    """Ask for one result after the other."""
    _, cached = open_cache(folder, settings)
    while True:
        number = random.randrange(RESULTS)
        assert cached(number) == value_of(number), number


def check(folder: str, settings: dict[str, Any]) -> None:
    """Ask for all results, and compare the index with the disk."""
    memory, cached = open_cache(folder, settings)
    with ThreadPoolExecutor(PROCESSES) as threads:
        values = list(threads.map(cached, range(RESULTS)))
    assert values == [value_of(number) for number in range(RESULTS)]
    let_a_minute_pass(folder, memory)
    store = memory.store_backend
    assert store is not None
    on_disk = {entry.key for entry in store.list("fanfold/")}
    assert {entry.key for entry in store.by_use("fanfold/")} == on_disk
    assert memory.stats().entries == len(on_disk)


def let_a_minute_pass(folder: str, memory: Memory) -> None:
    """Have the index take what the dead began for unfinished."""
    memory.stats()
    with sqlite3.connect(Path(folder, ".index", "entries.sqlite")) as index:
        index.execute("UPDATE begun SET since = 0")
    index.close()


def check_that_nothing_is_left(folder: str) -> None:
    """Let a day pass, and verify the cache: then there are results in it, and nothing else."""
    for path in Path(folder).rglob("*"):
        if path.is_file():
            os.utime(path, (time.time() - DAY - LIMIT,) * 2)
    assert command_line(["cache", "verify", folder]) == 0
    store = Memory(folder, verbose=0).store_backend
    assert store is not None
    assert all(entry.key.startswith("fanfold/") for entry in store.list())


if __name__ == "__main__":
    main()
