"""Runs the Python blocks of a Markdown file as one program: ``python run_blocks.py FILE``.

A line ``print(…)  # text`` or ``…  # prints text`` promises that its block prints that line.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
import textwrap
from pathlib import Path

BLOCK = re.compile(r"^( *)```python\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
PROMISE = re.compile(r"^ *(?:print\(.*\)  # |.*  # prints )(.+)$", re.MULTILINE)


def main(path: Path) -> None:
    """Run the blocks in the namespace of ``__main__``, as a reader who pastes them does."""
    namespace = sys.modules["__main__"].__dict__
    for number, block in enumerate(blocks(path), start=1):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block, f"{path.name}, block {number}", "exec"), namespace)
        missing = set(PROMISE.findall(block)) - set(printed.getvalue().splitlines())
        if missing:
            sys.exit(f"block {number} does not print {missing}, but:\n{printed.getvalue()}")


def blocks(path: Path) -> list[str]:
    """Return the Python blocks of a file."""
    return [textwrap.dedent(code) for _, code in BLOCK.findall(path.read_text(encoding="utf-8"))]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
