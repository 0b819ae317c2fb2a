"""The sweep over digits: on every backend, in a directory and in a bucket, a second time cached."""

from __future__ import annotations

import re
import runpy
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

# Each of the programs imports scikit-learn, and some start a cluster.
pytestmark = pytest.mark.timeout(600)

SWEEP = Path(__file__).resolve().parents[2] / "examples" / "digits_sweep.py"
SMALL = ("--scale", "0.1", "--n-jobs", "2")
COMPUTED = "6 of 6 configurations were computed, 0 came from the cache"
CACHED = r"6 of 6 configurations came from the cache in \d+\.\d s; computing them took \d+ s"
# What the engines themselves do at their start and end is not ours to judge.
WARNINGS = {"dask": "default", "ray": "default"}


@dataclass(frozen=True)
class TwoRuns:
    """What two runs of one sweep printed, and the folder they ran in."""

    first: str
    second: str
    folder: Path


@pytest.fixture(scope="module")
def two_runs(new_program):
    """Run a small sweep twice in one folder."""
    program = new_program()
    first, second = (program.run(SWEEP, *SMALL) for _ in range(2))
    return TwoRuns(first, second, program.folder)


def test_a_second_run_computes_nothing_and_finds_the_same(two_runs):
    assert COMPUTED in two_runs.first
    assert re.search(CACHED, two_runs.second)
    assert ranks(two_runs.second) == ranks(two_runs.first)


@pytest.mark.parametrize("backend", ["threads", "sequential", "dask", "ray"])
def test_every_backend_computes_the_same(backend, two_runs, new_program):
    warnings = WARNINGS.get(backend, "error")

    printed = new_program().run(SWEEP, *SMALL, "--backend", backend, warnings=warnings)

    assert COMPUTED in printed
    assert without_times(ranks(printed)) == without_times(ranks(two_runs.first))


def test_configurations_are_ranked_by_accuracy(two_runs):
    accuracies = [float(row.split("│")[4].strip(" %")) for row in ranks(two_runs.first)]

    assert len(accuracies) == 6
    assert accuracies == sorted(accuracies, reverse=True)
    assert accuracies[0] > 90


def test_a_plot_is_saved(two_runs):
    picture = (two_runs.folder / "sweep.png").read_bytes()

    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 10_000


def test_a_bucket_serves_another_folder_and_another_backend(new_program, s3_environment):
    here = replace(new_program(), environment=s3_environment)
    there = replace(new_program(), environment=s3_environment)
    arguments = (SWEEP, *SMALL, "--store", "s3://bucket/digits")

    first = here.run(*arguments, "--plot", "here.png")
    second = there.run(*arguments, "--backend", "threads", "--plot", "there.png")

    assert COMPUTED in first
    assert re.search(CACHED, second)
    assert [path.name for path in here.folder.iterdir()] == ["here.png"]


@pytest.mark.parametrize("scale", ["0", "-1", "nan"])
def test_a_scale_that_is_no_size_is_refused(scale, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", [SWEEP.name, "--scale", scale])

    with pytest.raises(SystemExit):
        runpy.run_path(str(SWEEP), run_name="__main__")

    assert f"{scale} is not valid: expected a number above 0" in capsys.readouterr().err


def ranks(printed: str) -> list[str]:
    """Return the rows of the table."""
    return [line for line in printed.splitlines() if line.startswith("│")]


def without_times(rows: list[str]) -> list[str]:
    """Return rows without their last column."""
    return [row.rstrip("│").rpartition("│")[0] for row in rows]
