"""How much memory may lie in shared segments at once."""

from __future__ import annotations

import os

from ..._sizes import parse_size

__all__ = ["VARIABLE", "memory_budget"]

VARIABLE = "FANFOLD_SHM_BUDGET"
"""The environment variable that says how much, such as ``"4G"``; 0 keeps everything on sockets."""

_SHARE = 2
"""Without a word from the user, half of what the system says is available: arrays that do not lie
in segments take as much memory elsewhere."""
_UNKNOWN = 4 << 30
"""What is taken to be available on systems that do not say."""


def memory_budget() -> int:
    """Return the bytes that this process and its workers may have in shared segments.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If the environment variable is not a size.
    """
    text = os.environ.get(VARIABLE)
    if text:
        return parse_size(text, VARIABLE)
    return _available() // _SHARE


def _available() -> int:
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) << 10
    except OSError:
        pass  # not Linux
    return _UNKNOWN
