"""What code in a task finds: how deep it runs, what it may use, and where randomness comes from.

A module of its own, with nothing to import, because workers set it for every task.
"""

from __future__ import annotations

from contextvars import ContextVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from .tasks.seeding import SeedScope

    Level: TypeAlias = tuple[int, str | None, int | None]

__all__ = ["TOP", "nesting", "seed_scope"]

TOP: Level = (0, None, None)
"""Outside of any task: level 0, no backend laid down, all CPUs."""

nesting: ContextVar[Level] = ContextVar("fanfold_nesting", default=TOP)
"""The level (0 outside of any task), the name of the backend laid down for nested calls, and how
many CPUs a task may use (None is all there are)."""

seed_scope: ContextVar[SeedScope | None] = ContextVar("fanfold_seed_scope", default=None)
"""Where calls that are given no seed take theirs from: the task around them, or parallel_config."""
