"""The examples in docstrings run, and show what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = [
    ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
    for source in sorted(ROOT.glob("packages/*/src"))
    for path in sorted(source.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]
# In a process of its own, because some examples register plugins or start clusters.
RUN_EXAMPLES = """
import doctest, importlib, sys

if __name__ == "__main__":
    results = doctest.testmod(importlib.import_module(sys.argv[1]))
    sys.exit(results.failed or not results.attempted)
"""


def test_there_are_examples():
    assert "fanfold.parallel._parallel" in MODULES


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name, new_program):
    program = new_program()
    (program.folder / "examples.py").write_text(RUN_EXAMPLES, encoding="utf-8")

    program.run("examples.py", name, warnings="default")
