"""Calls that are made inside of a task of Dask."""

from __future__ import annotations

import distributed

__all__ = ["leave_worker_thread"]


def leave_worker_thread() -> None:
    """Let the worker run another task in the place of the one that calls this, if one does.

    A task that waits for others holds a thread of its worker; when all threads are held like this,
    none is left for those others.
    """
    try:
        distributed.secede()
    except (ValueError, AttributeError, KeyError):
        return  # not in a task, or in a thread that the task started, or it has left already
