"""The benchmarks run, and print a row for each of their cases; nothing here looks at a time."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
ROWS = {
    "hashing.py": ["hash an array of 10 MB", "hash a list of 20,000", "hash the same and", "2 x 2"],
    "memory.py": [
        *("hit on small arguments", "miss on small", "hit on an array", "hit that returns"),
        *("200 tasks, all in the cache", "2,000 tasks, 1 % not in the cache"),
    ],
    "parallel.py": [
        *("fanfold ", "import", "cold start", "warm call", "one a message", "sequential"),
        *(
            "sharing an array of 10 MB",
            "results of 1 MB",
            "arguments of 51 KB",
            "arguments of 1 MB",
        ),
        *("a partial that holds 200,000", "a closure that holds 200,000", "20 nested calls"),
        "peak memory",
    ],
    "persistence.py": [
        *("dump 10,000 small dicts", "load an array of 20 MB", "load an array of 2 MB, lz4"),
        *("peak memory of a dump", "its every second column"),
    ],
}
ALONE = {"many_entries.py"}
SHARED = {"files.py", "measure.py", "peers.py", "transport.py"}


@pytest.fixture(scope="module")
def measure():
    """Give the names of the module that all benchmarks share."""
    return runpy.run_path(str(BENCHMARKS / "measure.py"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ROWS)
def test_a_benchmark_prints_its_rows_with_ratios(name, new_program):
    # The peers fork beside threads, which newer Pythons warn of.
    printed = new_program().run(BENCHMARKS / name, "--quick", warnings="default")

    assert [row for row in ROWS[name] if row not in printed] == []
    assert re.search(r"\d (µs|ms|s) \(\d+(\.\d+)?x\)", printed)


def test_the_benchmark_of_many_entries_prints_a_row_for_each_number(new_program):
    printed = new_program().run(BENCHMARKS / "many_entries.py", "50", "100")

    rows = [line for line in printed.splitlines() if "µs" in line]
    assert [row.split("|")[1].strip() for row in rows] == ["50", "100"]


def test_every_benchmark_is_run_here():
    assert {path.name for path in BENCHMARKS.glob("*.py")} == {*ROWS, *ALONE, *SHARED}


def test_only_the_rows_that_are_asked_for_are_done(new_program):
    printed = new_program().run(
        BENCHMARKS / "parallel.py", "--quick", "--only", "arguments of 51", warnings="default"
    )

    rows = [line.split("|")[1].strip() for line in printed.splitlines() if line.startswith("| ")]
    row = "50 arguments of 51 KB"
    assert rows == ["", row, "peak memory, all processes", row]
    assert re.search(rf"{row} +\| \d+ MB", printed)


def test_nothing_is_printed_where_no_row_is_asked_for(measure):
    assert measure["table"]([measure["Case"]("a row", {})], only="another") == ""


def test_contestants_take_turns(measure):
    turns = []
    case = measure["Case"](
        "turns", {name: lambda name=name: turns.append(name) for name in "abc"}, repetitions=3
    )

    measure["measure"](case)

    assert turns == [*"abc", *"abc", *"bca", *"cab"]


def test_what_is_set_up_comes_before_each_run(measure):
    done = []
    case = measure["Case"](
        "work",
        {"fanfold": lambda: done.append("work")},
        repetitions=1,
        setup={"fanfold": lambda: done.append("setup")},
    )

    measure["measure"](case)

    assert done == ["setup", "work"] * 2


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2.5, "2.5 s"), (0.0123, "12.3 ms"), (4.56e-6, "4.56 µs"), (7e-9, "7 ns")],
)
def test_times_are_shown_in_the_unit_that_suits_them(measure, seconds, text):
    assert measure["duration"](seconds) == text


def test_a_table_is_aligned_markdown(measure):
    assert measure["markdown"]([["", "fanfold"], ["a case", "1 s"]]).splitlines() == [
        "|        | fanfold |",
        "|--------|---------|",
        "| a case | 1 s     |",
    ]
