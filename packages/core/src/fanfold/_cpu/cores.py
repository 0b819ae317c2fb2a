"""How many cores are behind hardware threads."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["count_cores"]


def count_cores(cpus: Iterable[int], read: Callable[[str], str]) -> int | None:
    """Return how many cores some CPUs belong to, or None where Linux does not tell.

    Parameters
    ----------
    cpus : iterable of int
        The numbers of the CPUs.
    read : callable
        Returns the text of a file by its absolute path, or "" if there is none.
    """
    cores = set()
    for cpu in cpus:
        folder = f"/sys/devices/system/cpu/cpu{cpu}/topology"
        cores.add((read(f"{folder}/physical_package_id"), read(f"{folder}/core_id")))
    return None if ("", "") in cores else len(cores)
