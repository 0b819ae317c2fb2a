"""Timing contestants side by side, and the table of what came out.

A machine that others use too is fast in one second and slow in the next. So contestants take turns:
each repetition runs every one of them once, in an order that rotates, and medians are compared.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter

OURS = "fanfold"


@dataclass(frozen=True)
class Case:
    """One row of a table: the same work, by several contestants.

    Attributes
    ----------
    name : str
        What the work is.
    contestants : dict
        What does the work, by the contestant's name.
    repetitions : int
        How often each does it.
    n_tasks : int
        Of how many tasks the work consists: the time is shown for each. 1 is for the whole.
    setup : dict
        What must happen before each repetition, untimed, by the contestant's name.
    """

    name: str
    contestants: dict[str, Callable[[], object]]
    repetitions: int = 11
    n_tasks: int = 1
    setup: dict[str, Callable[[], object]] = field(default_factory=dict)


def options(description: str | None) -> argparse.Namespace:
    """Read the command line, which is the same for all benchmarks."""
    summary, _, _ = (description or "").partition("\n")
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument("--quick", action="store_true", help="smaller work, fewer repetitions")
    parser.add_argument("--only", default="", metavar="TEXT", help="the rows that contain this")
    return parser.parse_args()


def table(cases: Iterable[Case], only: str = "") -> str:
    """Measure cases and return a table in Markdown, with what others take beside us.

    Parameters
    ----------
    cases : iterable of Case
        Each is measured when it is taken, so what it holds need not live longer.
    only : str, default=""
        Leave out those whose names do not contain this.

    Returns
    -------
    str
        The table, or nothing where no case is left.
    """
    measured = [(case_name(case), measure(case)) for case in cases if only in case.name]
    if not measured:
        return ""
    columns = list(dict.fromkeys(name for _, times in measured for name in times))
    rows = [["", *columns]]
    rows += [[row, *(_cell(times, column) for column in columns)] for row, times in measured]
    return markdown(rows)


def case_name(case: Case) -> str:
    """Return what a row is called."""
    return case.name if case.n_tasks == 1 else f"{case.name}, each"


def show(table: str) -> None:
    """Print a table, if there is something in it."""
    if table:
        print(table, end="\n\n")


def measure(case: Case) -> dict[str, float]:
    """Return the median seconds of each contestant."""
    names = list(case.contestants)
    for name in names:  # what a first time costs, such as imports, is a row of its own
        _run(case, name)
    times: dict[str, list[float]] = {name: [] for name in names}
    for repetition in range(case.repetitions):
        first = repetition % len(names)
        for name in names[first:] + names[:first]:
            times[name].append(_run(case, name))
    return {name: median(times[name]) / case.n_tasks for name in names}


def _run(case: Case, name: str) -> float:
    if name in case.setup:
        case.setup[name]()
    gc.collect()
    began = perf_counter()
    case.contestants[name]()
    return perf_counter() - began


def _cell(times: dict[str, float], name: str) -> str:
    if name not in times:
        return ""
    if name == OURS:
        return duration(times[name])
    return f"{duration(times[name])} ({times[name] / times[OURS]:.2g}x)"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown whose columns are aligned for who reads it as it is."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def output(program: str) -> str:
    """Run a program in an interpreter of its own and return what it prints.

    Bytecode is kept, as it is for users: compiling modules anew each time would drown the rest.
    """
    command = [sys.executable, "-c", program]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    return subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment
    ).stdout


def python(program: str) -> Callable[[], object]:
    """Return what runs a program in an interpreter of its own."""
    return lambda: output(program)


def machine() -> str:
    """Return a line about what this runs on, and how to read the table."""
    affinity = getattr(os, "sched_getaffinity", None)  # only some systems have it
    n_cpus = len(affinity(0)) if affinity else os.cpu_count()
    return (
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {n_cpus} "
        "CPUs. Medians; in brackets, how much longer than fanfold it takes."
    )
