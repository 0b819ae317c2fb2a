"""Check what is written for readers: links, code in Markdown, examples in docstrings.

Every local link of a Markdown file leads to a file, every Python block in one compiles, and every
example in a docstring runs. Run it with the Python of ``.venv``.
"""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("docs", "packages", "examples", "benchmarks")
LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)")
PYTHON_BLOCK = re.compile(r"^( *)```(?:python|py)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


def main() -> int:
    """Run every check and return the exit code of the process."""
    faults = [fault for page in pages() for fault in (*dead_links(page), *wrong_code(page))]
    for fault in faults:
        print(fault)
    doctests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--doctest-modules", *sources()],
        cwd=ROOT,
        check=False,
    )
    return 1 if faults or doctests.returncode else 0


def pages() -> Iterator[Path]:
    """Yield every Markdown file that readers see."""
    yield from ROOT.glob("*.md")
    for folder in FOLDERS:
        yield from (ROOT / folder).rglob("*.md")


def sources() -> list[Path]:
    """Return the folders whose docstrings hold examples."""
    return sorted(ROOT.glob("packages/*/src"))


def dead_links(page: Path) -> Iterator[str]:
    """Yield a sentence for each local link that leads nowhere."""
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if not (page.parent / target).exists():
            yield f"{page.relative_to(ROOT)}: the link to {target} leads nowhere"


def wrong_code(page: Path) -> Iterator[str]:
    """Yield a sentence for each block of Python that does not compile."""
    for indent, block in PYTHON_BLOCK.findall(page.read_text(encoding="utf-8")):
        code = textwrap.dedent(block) if indent else block
        try:
            compile(code, str(page), "exec")
        except SyntaxError as error:
            yield f"{page.relative_to(ROOT)}: {error.msg} in {(error.text or '').strip()!r}"


if __name__ == "__main__":
    sys.exit(main())
