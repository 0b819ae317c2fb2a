"""Sizes, times and tables for people."""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MINUTE = 60
_HOUR = 60 * _MINUTE
_KILO = 1024
_COLUMN = 61


def readable_size(n_bytes: int) -> str:
    """Return a number of bytes in a few letters, such as ``"1.5 MB"``, in steps of 1024."""
    if n_bytes < _KILO:
        return f"{n_bytes} B"
    size = float(n_bytes)
    for unit in ("KB", "MB", "GB"):
        size /= _KILO
        if size < _KILO:
            return f"{size:.1f} {unit}"
    return f"{size / _KILO:.1f} TB"


def readable_seconds(seconds: float | None) -> str:
    """Return a time span in a few letters, such as ``"1.2 s"``; ``"-"`` where it is not known."""
    if seconds is None:
        return "-"
    if seconds < 1:
        return f"{seconds * 1000:.1f} ms"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.1f} min"
    return f"{seconds / _HOUR:.1f} h"


def readable_time(moment: float | None) -> str:
    """Return a moment, in seconds since the epoch, in local time."""
    return "-" if moment is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))


def shortened(text: str) -> str:
    """Return a text of no more than a column's width, without its middle where it is longer."""
    if len(text) <= _COLUMN:
        return text
    half = (_COLUMN - 3) // 2
    return f"{text[:half]}...{text[-half:]}"


def html_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table for notebooks; whatever the cells hold, it is shown as text."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    lines = ("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{''.join(lines)}</table>"
