"""The CPU bandwidth that Linux's control groups leave to this process.

A quota may be set at any level above a process, and each one counts. Where the levels are to be
found depends on what is mounted: the root of a container's mount is the container's own group, and
the kernel tells the process's group either from there or from the host's root.

Sets of CPUs (cpusets) are not looked up here, because a process's affinity never goes beyond them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    Read: TypeAlias = Callable[[str], str]
    """Returns the text of a file, or "" if there is none."""

__all__ = ["cgroup_limit", "cpus_of_quota", "group_folders"]


def cgroup_limit(read: Read) -> int | None:
    """Return how many CPUs the control groups of this process allow, rounded up; None if any.

    Parameters
    ----------
    read : callable
        Returns the text of a file by its absolute path, or "" if there is none.
    """
    groups, mounts = read("/proc/self/cgroup"), read("/proc/self/mountinfo")
    limits = [
        limit
        for folder in group_folders(groups, mounts)
        if (limit := cpus_of_quota(_quota_and_period(folder, read))) is not None
    ]
    return min(limits, default=None)


def group_folders(groups: str, mounts: str) -> list[str]:
    """Return the folders of this process's group and of all groups above it.

    Parameters
    ----------
    groups : str
        The text of ``/proc/self/cgroup``.
    mounts : str
        The text of ``/proc/self/mountinfo``.
    """
    own = dict(_cpu_groups(groups))
    folders: list[str] = []
    for kind, root, mount_point in _cpu_mounts(mounts):
        if kind in own:
            folders += _upwards(own[kind], root, mount_point)
    return list(dict.fromkeys(folders))


def cpus_of_quota(quota_and_period: list[str]) -> int | None:
    """Return the CPUs, rounded up, of a time of CPU in a time; None where that is not limited.

    Examples
    --------
    >>> cpus_of_quota(["150000", "100000"])
    2
    >>> cpus_of_quota(["max", "100000"])
    """
    if len(quota_and_period) != 2 or not all(part.isdigit() for part in quota_and_period):
        return None  # "max", "-1", or a group without the controller
    quota, period = map(int, quota_and_period)
    return -(-quota // period) if quota and period else None


def _quota_and_period(folder: str, read: Read) -> list[str]:
    return read(f"{folder}/cpu.max").split() or [
        read(f"{folder}/cpu.cfs_quota_us").strip(),
        read(f"{folder}/cpu.cfs_period_us").strip(),
    ]


def _cpu_groups(groups: str) -> Iterator[tuple[str, str]]:
    """Yield the type of file system and the path of the groups that may limit CPUs."""
    for line in groups.splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:
            yield "cgroup2", path
        elif "cpu" in controllers.split(","):
            yield "cgroup", path


def _cpu_mounts(mounts: str) -> Iterator[tuple[str, str, str]]:
    """Yield the type, root and place of what is mounted of control groups for CPUs."""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        root, mount_point = before.split()[3:5]
        kind, _, options = after.split()[:3]
        if kind == "cgroup2" or (kind == "cgroup" and "cpu" in options.split(",")):
            yield kind, _unescape(root), _unescape(mount_point)


def _upwards(group: str, root: str, mount_point: str) -> Iterator[str]:
    base = root.rstrip("/")
    levels: list[str] = []
    if group.startswith(f"{base}/") and ".." not in group:
        levels = [level for level in group.removeprefix(base).split("/") if level]
    # Else the group is what is mounted, or above it, where nothing can be read.
    for depth in range(len(levels), -1, -1):
        yield "/".join([mount_point.rstrip("/"), *levels[:depth]])


def _unescape(path: str) -> str:
    """Return a path of mountinfo as it is: blanks and the like are written in octal."""
    if "\\" not in path:
        return path
    import re  # takes longer than all the rest here, and is hardly ever needed

    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), path)
