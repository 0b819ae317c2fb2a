"""Parallel beside its peers: start-up, overhead of a call and of a task.

::

    python benchmarks/parallel.py [--quick]

Each row is the same work, done by each. ``Pool`` and ``futures`` are the standard library's process
pools with two workers, started beforehand, and on threads its thread pools. The ``limit`` is what
any of them needs at least: an interpreter that does nothing, or a plain loop.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from math import sqrt
from multiprocessing.pool import Pool, ThreadPool
from time import sleep
from typing import Any, Literal, TypeAlias

import fanfold
import joblib
from measure import Case, machine, markdown, options, output, python, table

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
TAIL = [0.0] * 4_000 + [0.1] * 40
HEAVY_TAIL = "4,000 tasks of no time, 40 of 0.1 s"
NAMES = [name for name in IMPORTS if name != "mpire" or find_spec("mpire")]
Contestants: TypeAlias = dict[str, Callable[[], object]]


def main() -> None:
    """Print what importing brings along, then the table."""
    quick = options(__doc__).quick
    few, many, tails = (1, 2_000, 1) if quick else (11, 20_000, 3)
    some = many // 10
    print(machine(), end="\n\n")
    print(modules_brought_along(), end="\n\n")
    with ExitStack() as stack:
        processes, threads = Pools.of_processes(stack), Pools.of_threads(stack)
        cases = [
            Case("import, whole process", in_processes_of_their_own(IMPORTS), few),
            Case("cold start to first results, whole process", cold_starts(), few),
            Case("warm call of 10 tiny tasks", in_a_row(20, processes.calls(10)), 3 * few, 20),
            Case(f"{some:,} tiny tasks, one a message", processes.calls(some, chunk=1), few, some),
            Case(f"{many:,} tiny tasks", processes.calls(many), few, many),
            Case(f"{some:,} tiny tasks on threads", threads.calls(some), few, some),
            Case(f"{many:,} tiny tasks, sequential", one_by_one(many), few, many),
            Case(f"heavy tail: {HEAVY_TAIL}", processes.tails(), tails),
            Case("heavy tail on threads", threads.tails(), tails),
        ]
        print(table(cases))


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


@dataclass(frozen=True)
class Pools:
    """Two workers of each peer that wants them started beforehand.

    Attributes
    ----------
    backend : str
        What fanfold and joblib call such workers.
    pool : multiprocessing.pool.Pool
        That of the standard library.
    executor : concurrent.futures.Executor
        The other one of the standard library.
    mpire : mpire.WorkerPool or None
        None where mpire is not installed.
    """

    backend: Literal["loky", "threading"]
    pool: Pool
    executor: Executor
    mpire: Any

    @classmethod
    def of_processes(cls, stack: ExitStack) -> Pools:
        """Start processes; `stack` ends them."""
        return cls(
            "loky",
            stack.enter_context(Pool(2)),
            stack.enter_context(ProcessPoolExecutor(2)),
            mpire_pool(stack, "fork"),
        )

    @classmethod
    def of_threads(cls, stack: ExitStack) -> Pools:
        """Start threads; `stack` ends them."""
        return cls(
            "threading",
            stack.enter_context(ThreadPool(2)),
            stack.enter_context(ThreadPoolExecutor(2)),
            mpire_pool(stack, "threading"),
        )

    def calls(self, n_tasks: int, chunk: int | None = None) -> Contestants:
        """Return what takes `n_tasks` square roots; without `chunk`, as each thinks best."""
        numbers = range(n_tasks)
        batch_size: int | Literal["auto"] = chunk or "auto"
        eighth = chunk or max(1, n_tasks // 8)  # four chunks a worker, as Pool does by itself

        def ours() -> object:
            return fanfold.Parallel(n_jobs=2, backend=self.backend, batch_size=batch_size)(
                fanfold.delayed(sqrt)(number) for number in numbers
            )

        def joblibs() -> object:
            return joblib.Parallel(n_jobs=2, backend=self.backend, batch_size=batch_size)(
                joblib.delayed(sqrt)(number) for number in numbers
            )

        contestants: Contestants = {
            "fanfold": ours,
            "joblib": joblibs,
            "Pool": lambda: self.pool.map(sqrt, numbers, chunksize=chunk),
            "futures": lambda: list(self.executor.map(sqrt, numbers, chunksize=eighth)),
        }
        if self.mpire is not None:
            contestants["mpire"] = lambda: self.mpire.map(sqrt, numbers, chunk_size=chunk)
        return contestants

    def tails(self) -> Contestants:
        """Return what runs many tasks that take no time, and then some that do."""
        return {
            "fanfold": lambda: fanfold.Parallel(n_jobs=2, backend=self.backend)(
                fanfold.delayed(wait)(seconds) for seconds in TAIL
            ),
            "joblib": lambda: joblib.Parallel(n_jobs=2, backend=self.backend)(
                joblib.delayed(wait)(seconds) for seconds in TAIL
            ),
            "Pool": lambda: self.pool.map(wait, TAIL),
            "futures": lambda: list(self.executor.map(wait, TAIL, chunksize=len(TAIL) // 8)),
            "limit": lambda: wait(sum(TAIL) / 2),
        }


def wait(seconds: float) -> None:
    """Take so much time."""
    if seconds:
        sleep(seconds)


def mpire_pool(stack: ExitStack, start_method: str) -> Any:
    """Return two workers of mpire that are kept between calls, or None."""
    if "mpire" not in NAMES:
        return None
    from mpire.pool import WorkerPool

    return stack.enter_context(WorkerPool(2, start_method=start_method, keep_alive=True))


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
