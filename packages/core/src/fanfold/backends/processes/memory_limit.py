"""A limit on the memory of workers: one that has grown beyond it leaves, and another takes over.

The limit is the user's. That memory grows does not tell a leak from a cache that fills, so nothing
is guessed here.

What counts is the resident memory that is a worker's own. Mapped files and shared memory are
resident too while they are read, and no restart gives them back.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Retirement: TypeAlias = tuple[int, int, int]
    """The bytes that a worker takes, the limit, and how many tasks it has run under it."""

__all__ = ["MemoryLimit", "can_see_memory", "report_retirement"]

_STATM = "/proc/self/statm"


def can_see_memory() -> bool:
    """Tell whether this platform shows what memory is a process's own, as Linux does."""
    return os.path.exists(_STATM)


class MemoryLimit:
    """The limit, on the side of the worker.

    Parameters
    ----------
    most : int
        So many bytes it may take.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._n_tasks = 0

    def check(self, n_tasks: int) -> Retirement | None:
        """Return the figures if the worker takes more, now that it has run some more tasks."""
        self._n_tasks += n_tasks
        if _own_memory() <= self._most:
            return None
        import gc

        gc.collect()  # garbage that is only waiting for its collection is no reason to leave
        taken = _own_memory()
        return (taken, self._most, self._n_tasks) if taken > self._most else None


def report_retirement(pid: int, retirement: Retirement) -> None:
    """Log why a worker left, on the side of the parent."""
    import logging

    taken, most, n_tasks = retirement
    logging.getLogger("fanfold.workers").warning(
        "worker process %d takes %.1f MB of memory, more than max_rss=%d (%.1f MB); tasks it has "
        "run: %d. Another takes its place, and what it has finished is kept",
        pid,
        taken / 2**20,
        most,
        most / 2**20,
        n_tasks,
    )


def _own_memory() -> int:
    with open(_STATM, "rb") as file:
        _, resident, shared = file.read().split()[:3]
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")
