"""Running the suites as other people's tests would, for plugins that are broken on purpose.

In interpreters of their own, with which the threads and workers end that a broken plugin leaves
behind; and for many plugins in one, because a start takes longer than most checks.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest


@dataclass(frozen=True)
class End:
    """How a case of a check ended.

    Attributes
    ----------
    suite, check, case : str
        The class, its method, and what pytest calls that method with the case's arguments.
    how : {'passed', 'failure', 'error', 'xfail'}
        The latter where a failure was expected.
    text : str
        What pytest told of it.
    """

    suite: str
    check: str
    case: str
    how: str
    text: str


@dataclass(frozen=True)
class Report:
    """How all cases ended."""

    ends: Sequence[End]

    def of(self, suite: str, check: str) -> list[End]:
        """Return how the cases of a check ended."""
        return [end for end in self.ends if (end.suite, end.check) == (suite, check)]

    def hows(self, suite: str, check: str) -> set[str]:
        """Return the different ways in which they did."""
        return {end.how for end in self.of(suite, check)}

    def cases(self, suite: str) -> set[str]:
        """Return what there was to pass."""
        return {end.case for end in self.ends if end.suite == suite}


@pytest.fixture(scope="session")
def run_suites(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Report]:
    """Run suites, in so many sessions of pytest at once as there are choices of them."""

    def run(suites: str, modules: Sequence[Path], *choices: Sequence[str]) -> Report:
        folder = tmp_path_factory.mktemp("suites")
        for module in modules:
            shutil.copy(module, folder)
        (folder / "test_suites.py").write_text(suites)
        (folder / "pytest.ini").write_text("[pytest]\npythonpath = .\nfilterwarnings = error\n")
        reports = [folder / f"report-{number}.xml" for number in range(len(choices))]
        with ThreadPoolExecutor() as threads:
            list(threads.map(run_session, reports, choices))
        return Report([end for report in reports for end in ends_in(report)])

    return run


def run_session(report: Path, chosen: Sequence[str]) -> None:
    """Have a pytest of its own run suites, or some checks of them, in the folder of its report."""
    options = ["-q", "--tb=native", "-p", "no:cacheprovider", f"--junitxml={report}"]
    nodes = [f"test_suites.py::{node}" for node in chosen]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *nodes],
        cwd=report.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    # Tests failed: that is what they are for. Anything else is not.
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, f"{done.stdout}\n{done.stderr}"


def ends_in(report: Path) -> Iterator[End]:
    for case in ElementTree.parse(report).iter("testcase"):
        name = case.attrib["name"]
        how, text = "passed", ""
        for told in case:
            if told.tag in ("failure", "error", "skipped"):
                how = told.attrib.get("type", told.tag).removeprefix("pytest.")
                text = f"{told.attrib.get('message')}\n{told.text}"
        suite = case.attrib["classname"].rpartition(".")[2]
        yield End(suite, name.partition("[")[0], name, how, text)
