"""The backends and the store that the documentation shows keep their contracts."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from fanfold.testing import BackendConformance, StoreConformance

ROOT = Path(__file__).resolve().parents[2]


def define_classes_of(page):
    """Define here what the page's blocks with classes define, except for tests."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for block in text.split("```python\n")[1:]:
        code = block.partition("```")[0]
        if "\nclass " in code and "Conformance" not in code:
            definitions = code.partition("\nregister_")[0]
            exec(compile(definitions, page, "exec"), globals())


# Here, and not in a namespace of their own, so that other processes can import them.
define_classes_of("docs/how-to/write-a-backend.md")
define_classes_of("docs/how-to/write-a-store.md")
define_classes_of("README.md")

DOES_NOT_NAME_TASKS = "concurrent.futures does not tell which task's worker was lost"


@pytest.mark.timeout(600)
class TestProgramBackend(BackendConformance):
    patience = 300.0  # it starts an interpreter for each batch, of which some checks make a hundred

    @pytest.fixture(autouse=True)
    def _without_coverage(self, monkeypatch):
        """Measure nothing in those interpreters: that would take most of their time."""
        monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)

    def make_backend(self):
        return globals()["ProgramBackend"]()


class TestSQLiteStore(StoreConformance):
    examples = 20

    def make_store(self, directory):
        directory.mkdir(parents=True, exist_ok=True)
        return globals()["SQLiteStore"](directory / "entries.db")


class TestBackendOfTheReadme(BackendConformance):
    known_failures: ClassVar = {
        "test_the_future_of_a_lost_worker_is_completed": DOES_NOT_NAME_TASKS,
        "test_a_task_that_ends_its_worker_is_named": DOES_NOT_NAME_TASKS,
        "test_a_lost_worker_loses_only_what_it_ran": DOES_NOT_NAME_TASKS,
        "test_a_task_whose_worker_is_killed_is_named_or_runs_again": DOES_NOT_NAME_TASKS,
        "test_an_aborted_executor_drops_what_waits": "its pool begins one batch more than it runs",
    }

    def make_backend(self):
        return globals()["FuturesBackend"]()
