"""The kinds of message between a parent and a worker."""

from __future__ import annotations

__all__ = [
    "BATCH",
    "CALL",
    "FORGET",
    "LIFE",
    "NEWS",
    "OUTCOME",
    "OUTPUT",
    "REPORT",
    "RETIREMENT",
    "SETTINGS",
]

BATCH = 0
"""To a worker: tasks to run, when it has permission to."""

SETTINGS = 1
"""To a worker: what it takes over from its parent."""

FORGET = 2
"""To a worker: to forget the functions and terms that it was sent; its head is empty."""

OUTCOME = 3
"""From a worker: what came of a batch; answers come in the order of the batches."""

NEWS = 4
"""Both ways: which lent buffers are given back; see ``exchange.py``."""

OUTPUT = 5
"""From a worker, at any time: printed lines; the first byte says whether to stdout or stderr."""

REPORT = 6
"""From a worker, at any time: what a task warned of, or logged."""

LIFE = 7
"""To a worker: how long it stays without work, and how much memory it may take."""

RETIREMENT = 8
"""From a worker, before an outcome: that it leaves when it has sent that, and why."""

CALL = 9
"""To a worker that was sent a large function: that a new call begins; its head is empty."""
