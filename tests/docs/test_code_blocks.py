"""Every Python block of the README files and of the documentation runs, and prints what it says."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

# Some pages start clusters.
pytestmark = pytest.mark.timeout(600)

ROOT = Path(__file__).resolve().parents[2]
RUN_BLOCKS = Path(__file__).with_name("run_blocks.py")
PYTHON_BLOCK = re.compile(r"^ *```(?:python|py)\b(.*)$", re.MULTILINE)
PAGES = [
    page
    for page in sorted(
        [*ROOT.glob("*.md"), *ROOT.glob("packages/*/*.md"), *ROOT.glob("docs/**/*.md")]
    )
    if PYTHON_BLOCK.search(page.read_text(encoding="utf-8"))
]
# What the engines themselves do at their start and end is not ours to judge.
ENGINES = re.compile('import ray|from distributed|backend="(?:ray|dask)"')


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_blocks_of_a_page_run(page, new_program, s3_environment):
    program = replace(new_program(), environment=s3_environment)
    warnings = "default" if ENGINES.search(page.read_text(encoding="utf-8")) else "error"

    program.run(RUN_BLOCKS, page, warnings=warnings)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_block_escapes_being_run(page):
    extras = PYTHON_BLOCK.findall(page.read_text(encoding="utf-8"))

    assert set(extras) == {""}


def test_a_block_that_prints_something_else_is_caught(new_program):
    program = new_program()
    page = program.folder / "page.md"
    page.write_text("```python\nprint(1 + 1)  # 3\n```\n", encoding="utf-8")

    with pytest.raises(AssertionError, match=r"block 1 does not print \{'3'\}"):
        program.run(RUN_BLOCKS, page)
