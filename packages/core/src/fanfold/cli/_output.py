"""How commands show what they found: a table for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def print_json(value: object) -> None:
    """Write a value as indented JSON on the standard output."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a table on the standard output.

    On a terminal, and where rich is installed, it is drawn and folded to the width; otherwise each
    row is one line of aligned text, for ``grep`` and its kind.
    """
    if sys.stdout.isatty() and find_spec("rich") is not None:
        _draw(columns, rows)
    else:
        sys.stdout.writelines(f"{line}\n" for line in _align([columns, *rows]))


def _align(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def _draw(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # As text: a message such as 'pip install "fanfold[dask]"' holds what rich takes for markup.
        table.add_row(*(Text(cell) for cell in row))
    Console(file=sys.stdout).print(table)
