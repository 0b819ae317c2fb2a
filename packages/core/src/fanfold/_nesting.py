"""How deep in tasks this code runs, and which backend calls of ``Parallel`` get there by default.

A module of its own, with nothing to import, because workers set it for every task.
"""

from __future__ import annotations

from contextvars import ContextVar

__all__ = ["TOP", "nesting"]

TOP: tuple[int, str | None] = (0, None)
"""Outside of any task: level 0, no backend laid down."""

nesting: ContextVar[tuple[int, str | None]] = ContextVar("fanfold_nesting", default=TOP)
"""The level (0 outside of any task) and the name of the backend laid down for nested calls."""
