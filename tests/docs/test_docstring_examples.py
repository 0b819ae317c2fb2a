"""The examples in docstrings run, and show what they say."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = [
    ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
    for source in sorted(ROOT.glob("packages/*/src"))
    for path in sorted(source.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]
RUN_EXAMPLES = """
import doctest, importlib, io, json, sys
from contextlib import redirect_stdout
from pathlib import Path

def run(name):
    with redirect_stdout(printed := io.StringIO()):
        results = doctest.testmod(importlib.import_module(name))
    return results.failed, results.attempted, printed.getvalue()

if __name__ == "__main__":
    Path("results.json").write_text(json.dumps({name: run(name) for name in sys.argv[1:]}))
"""


@pytest.fixture(scope="module")
def results_of(new_program):
    """Run the examples of a distribution, which may start an engine, in a process of their own."""

    @cache
    def run(distribution):
        program = new_program()
        (program.folder / "examples.py").write_text(RUN_EXAMPLES, encoding="utf-8")
        modules = [name for name in MODULES if name.partition(".")[0] == distribution]
        program.run("examples.py", *modules, warnings="default")
        return json.loads((program.folder / "results.json").read_text(encoding="utf-8"))

    return run


def test_there_are_examples():
    assert "fanfold.parallel._parallel" in MODULES


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name, results_of):
    failed, attempted, printed = results_of(name.partition(".")[0])[name]

    assert attempted > 0
    assert failed == 0, printed
