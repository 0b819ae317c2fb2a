"""What calls with large arguments and results take: the time, and the memory.

``parallel.py`` prints it. As a program of its own it tells what one contestant needs for one row::

    python benchmarks/transport.py ROW CONTESTANT [--quick]
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from multiprocessing.pool import ThreadPool
from pathlib import Path
from threading import Event, Thread
from typing import Any

import fanfold
import joblib
import numpy as np
import psutil
from measure import Case, markdown
from peers import NAMES, Contestants, Peers

Calls = Sequence[tuple[Any, ...]]


@dataclass(frozen=True)
class Work:
    """Calls that move much data.

    Attributes
    ----------
    name : str
        The row.
    function : callable
        Makes what gives the function that tasks call: for each run anew, since a peer may keep
        what it was sent by an earlier one.
    calls : callable
        Makes the arguments of each.
    limit : callable or None
        Makes what any of them needs at least.
    is_closure : bool
        Whether the function is one that only some can send.
    """

    name: str
    function: Callable[[], Callable[[], Callable[..., object]]]
    calls: Callable[[], Calls]
    limit: Callable[[], Callable[[], object]] | None = None
    is_closure: bool = False

    def contestants(self, peers: Peers) -> Contestants:
        """Make the data, and return what moves it."""
        function, calls = self.function(), self.calls()

        def run(name: str) -> object:
            return peers.calls(function(), calls, None)[name]()

        names = [name for name in peers.names if name in BY_VALUE or not self.is_closure]
        contestants: Contestants = {name: partial(run, name) for name in names}
        if "mpire" in names and function() is element:
            contestants["mpire"] = partial(inherited_by_mpire, calls)
        return contestants


BY_VALUE = ("fanfold", "joblib")
"""Who can send functions that have no name to be imported by."""


def works(shrink: int) -> list[Work]:
    """Return the rows, with data so many times smaller than in earnest."""
    tens, halves = 1_250_000 // shrink, 65_536 // shrink
    floats = 2_000_000 // shrink
    many, some = max(10, 500 // shrink), max(5, 50 // shrink)
    results = max(10, 100 // shrink)
    hundreds = 10 * tens
    return [
        Work(
            f"200 tasks sharing an array of {megabytes(hundreds)}",
            lambda: always(element),
            lambda: shared_calls(hundreds),
            lambda: copies(1, hundreds),
        ),
        Work(
            f"{results} results of {megabytes(tens)}",
            lambda: always(full),
            lambda: [(tens, i) for i in range(results)],
            lambda: copies(results, tens),
        ),
        Work(
            f"{many} arguments of {megabytes(halves)}",
            lambda: always(first),
            lambda: [(np.full(halves, float(i)),) for i in range(many)],
            lambda: copies(many, halves),
        ),
        Work(
            f"{some} arguments of {megabytes(tens)}",
            lambda: always(first),
            lambda: [(np.full(tens, float(i)),) for i in range(some)],
            lambda: copies(some, tens),
        ),
        Work(
            f"20 tasks of a partial that holds {floats:,} floats",
            lambda: partial(partial, element, numbers(floats)),
            lambda: [(i,) for i in range(20)],
            lambda: partial(pickle.dumps, numbers(floats), 5),
        ),
        Work(
            f"20 tasks of a closure that holds {floats:,} floats",
            lambda: partial(holding, numbers(floats)),
            lambda: [(i,) for i in range(20)],
            lambda: partial(pickle.dumps, numbers(floats), 5),
            is_closure=True,
        ),
    ]


def cases(peers: Peers, shrink: int, repetitions: int, only: str) -> Iterator[Case]:
    """Yield the rows whose names contain a text; the data of each lives as long as its row."""
    for work in works(shrink):
        if only in work.name:
            contestants = work.contestants(peers)
            if work.limit is not None:
                contestants["limit"] = work.limit()
            yield Case(work.name, contestants, repetitions)
    if only in NESTED:
        yield Case(NESTED, nested_calls(peers), repetitions)


def peaks(quick: bool, only: str) -> str:
    """Return a table of the memory that each contestant takes in each row; quickly, in one."""
    wanted = [work for work in works(10 if quick else 1) if only in work.name]
    rows = [["peak memory, all processes", *NAMES]]
    for work in wanted[:1] if quick else wanted:
        who = BY_VALUE if work.is_closure else NAMES
        cells = (peak(work.name, name, quick) if name in who else "" for name in NAMES)
        rows.append([work.name, *cells])
    return markdown(rows) if len(rows) > 1 else ""


def peak(row: str, contestant: str, quick: bool) -> str:
    """Ask a process of its own for what a contestant takes."""
    command = [sys.executable, __file__, row, contestant, *(["--quick"] if quick else [])]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def peak_of(work: Work, contestant: str) -> str:
    """Return how much memory a second run takes beyond what was there before the first."""
    with ExitStack() as stack:
        run = work.contestants(Peers(stack, "loky", [contestant]))[contestant]
        before = memory()
        run()
        highest, done = [before], Event()

        def watch() -> None:
            while not done.wait(0.002):
                highest.append(memory())

        watcher = Thread(target=watch)
        watcher.start()
        results = run()
        highest.append(memory())
        done.set()
        watcher.join()
        del results
    return f"{(max(highest) - before) / 1e6:,.0f} MB"


def memory() -> int:
    """Return the bytes that this process and those it started take, shared ones counted once.

    Files in memory count in full while somebody has them open or mapped: pages that were written,
    and not looked at, are in no process's share.
    """
    me = psutil.Process()
    private, files = 0, dict[int, int]()
    for process in (me, *me.children(recursive=True)):
        proc = Path("/proc", str(process.pid))
        try:
            for line in (proc / "smaps_rollup").read_text().splitlines():
                if line.startswith(("Pss_Anon:", "Pss_File:")):
                    private += int(line.split()[1]) << 10
            for link in (*(proc / "fd").iterdir(), *(proc / "map_files").iterdir()):
                if os.readlink(link).startswith(("/memfd:", "/dev/shm/")):
                    status = link.stat()
                    files[status.st_ino] = status.st_blocks * 512
        except OSError:
            continue  # it ended meanwhile, or closed what was looked at
    return private + sum(files.values())


def always(function: Callable[..., object]) -> Callable[[], Callable[..., object]]:
    """Return what gives a function of this module."""
    return lambda: function


def element(values: Any, position: int) -> float:
    """Be a task that looks at one of many values."""
    return float(values[position])


def full(n_items: int, value: float) -> object:
    """Be a task that returns a large array."""
    return np.full(n_items, float(value))


def first(array: Any) -> float:
    """Be a task that takes a large array."""
    return float(array[0])


def holding(values: list[float]) -> Callable[[int], float]:
    """Return a function that holds much."""
    return lambda position: values[position]


def numbers(count: int) -> list[float]:
    """Return many floats."""
    return list(np.arange(float(count)).tolist())


def shared_calls(n_items: int) -> Calls:
    """Return calls that all have one large array."""
    array = np.arange(float(n_items))
    return [(array, i) for i in range(200)]


def inherited_by_mpire(calls: Calls) -> object:
    """Let workers inherit what they share, as mpire advises; that takes new ones each time."""
    from mpire.pool import WorkerPool

    with WorkerPool(2, start_method="fork", shared_objects=calls[0][0]) as pool:
        return pool.map(element, [(i,) for _, i in calls])


def copies(count: int, n_items: int) -> Callable[[], object]:
    """Return what copies an array into memory that is there already, so many times."""
    source, target = np.ones(n_items), np.ones(n_items)

    def copy() -> None:
        for _ in range(count):
            np.copyto(target, source)

    return copy


NESTED = "20 nested calls of 10 tiny tasks"


def nested_calls(peers: Peers) -> Contestants:
    """Return what makes calls within tasks; the standard library's workers can have threads."""
    positions = [(i,) for i in range(20)]
    by_threads = peers.calls(nested_in_threads, positions, 1)
    return {
        "fanfold": peers.calls(nested_in_fanfold, positions, 1)["fanfold"],
        "joblib": peers.calls(nested_in_joblib, positions, 1)["joblib"],
        "Pool": by_threads["Pool"],
        "futures": by_threads["futures"],
    }


def nested_in_fanfold(position: int) -> object:
    """Be a task that makes a call."""
    return fanfold.Parallel(n_jobs=2)(fanfold.delayed(abs)(-i) for i in range(10))


def nested_in_joblib(position: int) -> object:
    """Be a task that makes a call."""
    return joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(-i) for i in range(10))


def nested_in_threads(position: int) -> object:
    """Be a task that makes a call."""
    with ThreadPool(2) as pool:
        return pool.map(abs, range(-10, 0))


def megabytes(n_items: int) -> str:
    """Return the size of an array of so many floats."""
    size = 8 * n_items
    return f"{size / 1e6:.3g} MB" if size >= 1e6 else f"{size // 1024} KB"


def main() -> None:
    """Print the memory that a contestant takes for a row."""
    row, contestant, *rest = sys.argv[1:]
    (work,) = (work for work in works(10 if rest else 1) if work.name == row)
    print(peak_of(work, contestant))


if __name__ == "__main__":
    main()
