"""Parallel beside its peers: start-up, overhead of a call and of a task, and data on its way.

::

    python benchmarks/parallel.py [--quick] [--only TEXT]

Each row is the same work, done by each. ``Pool`` and ``futures`` are the standard library's process
pools with two workers, started beforehand, and on threads its thread pools. The ``limit`` is what
any of them needs at least: an interpreter that does nothing, a plain loop, a plain copy by numpy
into memory that is there already, pickling once. Rows with data have a line in the table of memory
too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import chain
from math import sqrt
from time import sleep

import fanfold
import joblib
import transport
from measure import Case, machine, markdown, options, output, python, show, table
from peers import NAMES, Contestants, Peers

IMPORTS = {
    "fanfold": "from fanfold import Parallel, delayed",
    "joblib": "from joblib import Parallel, delayed",
    "Pool": "from multiprocessing.pool import Pool",
    "futures": "from concurrent.futures import ProcessPoolExecutor",
    "mpire": "from mpire import WorkerPool",
}
FIRST_RESULTS = {
    "fanfold": "Parallel(n_jobs=2)(delayed(abs)(i) for i in range(4))",
    "joblib": "Parallel(n_jobs=2)(delayed(abs)(i) for i in range(4))",
    "Pool": "with Pool(2) as pool: pool.map(abs, range(4))",
    "futures": "with ProcessPoolExecutor(2) as pool: list(pool.map(abs, range(4)))",
    "mpire": "with WorkerPool(2) as pool: pool.map(abs, range(4))",
}
HEAVY = (
    "numpy",
    "multiprocessing",
    "asyncio",
    "concurrent.futures",
    "pluggy",
    "importlib.metadata",
)


def main() -> None:
    """Print what importing brings along, the table of times, and that of memory."""
    asked = options(__doc__)
    shrink, repetitions = (10, 1) if asked.quick else (1, 11)
    print(machine(), end="\n\n")
    if not asked.only:
        show(modules_brought_along())
    with ExitStack() as stack:
        processes, threads = Peers(stack, "loky"), Peers(stack, "threading")
        small = overheads(processes, threads, shrink, repetitions)
        heavy = heavy_tails(processes, threads, shrink, 1 if asked.quick else 3)
        data = transport.cases(processes, shrink, repetitions, asked.only)
        show(table(chain(small, heavy, data), asked.only))
    show(transport.peaks(asked.quick, asked.only))


def overheads(processes: Peers, threads: Peers, shrink: int, repetitions: int) -> Iterator[Case]:
    """Yield the rows without data to speak of."""
    few, many, some = repetitions, 20_000 // shrink, 2_000 // shrink
    yield Case("import, whole process", in_processes_of_their_own(IMPORTS), few)
    yield Case("cold start to first results, whole process", cold_starts(), few)
    yield Case("warm call of 10 tiny tasks", in_a_row(20, roots(processes, 10)), 3 * few, 20)
    yield Case(f"{some:,} tiny tasks, one a message", roots(processes, some, 1), few, some)
    yield Case(f"{many:,} tiny tasks", roots(processes, many), few, many)
    yield Case(f"{some:,} tiny tasks on threads", roots(threads, some), few, some)
    yield Case(f"{many:,} tiny tasks, sequential", one_by_one(many), few, many)


def heavy_tails(processes: Peers, threads: Peers, shrink: int, repetitions: int) -> Iterator[Case]:
    """Yield the rows of many tasks that take no time, and then some that do."""
    many, some = 4_000 // shrink, 40 // shrink
    name = f"heavy tail: {many:,} tasks of no time, {some} of 0.1 s"
    tasks = [(0.0,)] * many + [(0.1,)] * some
    limit = {"limit": lambda: wait(some * 0.1 / 2)}
    for row, peers in ((name, processes), ("the same on threads", threads)):
        yield Case(row, {**peers.calls(wait, tasks, None), **limit}, repetitions)


def wait(seconds: float) -> None:
    """Take so much time."""
    if seconds:
        sleep(seconds)


def roots(peers: Peers, n_tasks: int, chunk: int | None = None) -> Contestants:
    """Return what takes so many square roots; without `chunk`, as each thinks best."""
    return peers.calls(sqrt, [(number,) for number in range(n_tasks)], chunk)


def in_a_row(times: int, contestants: Contestants) -> Contestants:
    """Return what does the same several times, as programs with warm workers do."""

    def repeated(run: Callable[[], object]) -> Callable[[], object]:
        return lambda: [run() for _ in range(times)]

    return {name: repeated(run) for name, run in contestants.items()}


def modules_brought_along() -> str:
    """Return a table of the heavy modules that each import loads."""
    rows = [["the import loads", *HEAVY]]
    for name in NAMES:
        loaded = set(output(f"{IMPORTS[name]}\nimport sys; print(*sys.modules)").split())
        rows.append([name, *("yes" if module in loaded else "-" for module in HEAVY)])
    return markdown(rows)


def in_processes_of_their_own(programs: dict[str, str]) -> Contestants:
    """Return what runs each program in a fresh interpreter, beside one that does nothing."""
    return {name: python(programs[name]) for name in NAMES} | {"limit": python("")}


def cold_starts() -> Contestants:
    """Return what starts, computes four results and ends."""
    return in_processes_of_their_own(
        {name: f"{IMPORTS[name]}\n{FIRST_RESULTS[name]}" for name in NAMES}
    )


def one_by_one(n_tasks: int) -> Contestants:
    """Return what takes square roots one after the other; the plain loop is the limit."""
    numbers = range(n_tasks)
    return {
        "fanfold": lambda: fanfold.Parallel(n_jobs=1)(fanfold.delayed(sqrt)(n) for n in numbers),
        "joblib": lambda: joblib.Parallel(n_jobs=1)(joblib.delayed(sqrt)(n) for n in numbers),
        "limit": lambda: [sqrt(n) for n in numbers],
    }


if __name__ == "__main__":
    main()
