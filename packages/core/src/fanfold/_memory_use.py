"""How much memory this process has used at the most."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resource import struct_rusage

__all__ = ["peak_memory", "peak_memory_of_child"]

_TELLS_BY_FILE = sys.platform == "linux"


def peak_memory() -> int | None:
    """Return the most bytes that were resident at once; None where that cannot be told.

    Linux is asked through /proc: what ``getrusage`` says there includes the process that started
    this one.
    """
    if _TELLS_BY_FILE:
        try:
            with open("/proc/self/status") as status:
                for line in status:
                    if line.startswith("VmHWM:"):
                        return int(line.split()[1]) * 1024
        except OSError:
            pass  # no descriptor is left, which is often what is to be told beside this
        return None
    try:
        import resource
    except ImportError:
        return None  # there is no such module on Windows
    return _in_bytes(resource.getrusage(resource.RUSAGE_SELF))


def peak_memory_of_child(usage: struct_rusage) -> int | None:
    """Return the most bytes that an ended child had resident, from what ``os.wait4`` gave.

    None where that cannot be told: a child counts what its parent had when it was started, so only
    what is more than this process ever had is certainly the child's.
    """
    peak, mine = _in_bytes(usage), peak_memory()
    return peak if mine is not None and peak > mine else None


def _in_bytes(usage: struct_rusage) -> int:
    return usage.ru_maxrss if sys.platform == "darwin" else usage.ru_maxrss * 1024
