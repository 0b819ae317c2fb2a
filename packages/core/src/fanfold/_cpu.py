"""How many CPUs this process may use."""

from __future__ import annotations

import os

from .errors import InvalidArgumentError

__all__ = ["cpu_count", "resolve_n_jobs"]

_LIMIT_VARIABLES = ("FANFOLD_MAX_CPU_COUNT", "LOKY_MAX_CPU_COUNT")
_CGROUP_V2 = "/sys/fs/cgroup/cpu.max"
_CGROUP_V1 = "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"
_TOPOLOGY = "/sys/devices/system/cpu/cpu{}/topology/"


def cpu_count(only_physical_cores: bool = False) -> int:
    """Return the number of CPUs that this process may use, 1 or more.

    It is the smallest of: the CPUs of the machine, those that the process may run on (affinity),
    the CPU bandwidth of its control group (rounded up), and the environment variable
    ``FANFOLD_MAX_CPU_COUNT`` (or ``LOKY_MAX_CPU_COUNT``).

    Parameters
    ----------
    only_physical_cores : bool, default=False
        Count cores in place of hardware threads, where the platform tells them apart and the limits
        above allow that many.

    Returns
    -------
    int
        The count.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If one of the environment variables is not a number of 1 or more.

    Examples
    --------
    >>> from fanfold import cpu_count
    >>> cpu_count() >= 1
    True
    """
    allowed = _allowed_cpus()
    count = len(allowed) if allowed is not None else (os.cpu_count() or 1)
    limits = [limit for limit in (_cgroup_limit(), _environment_limit()) if limit is not None]
    if only_physical_cores:
        cores = _physical_cores(allowed)
        if cores is not None:
            count = min(count, cores)
    return max(1, min([count, *limits]))


def resolve_n_jobs(n_jobs: int, available: int) -> int:
    """Return the number of workers that a request stands for.

    Parameters
    ----------
    n_jobs : int
        Positive as it is; negative counts back from `available`: -1 is all of it.
    available : int
        What there is.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If `n_jobs` is 0.
    """
    if n_jobs == 0:
        raise InvalidArgumentError(
            "n_jobs=0 has no meaning: give a number of workers, or -1 for all CPUs"
        )
    return n_jobs if n_jobs > 0 else max(1, available + 1 + n_jobs)


def _allowed_cpus() -> set[int] | None:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return None  # macOS and Windows do not tell


def _cgroup_limit() -> int | None:
    quota_and_period = _read(_CGROUP_V2).split() or [_read(path) for path in _CGROUP_V1]
    if len(quota_and_period) != 2 or not all(part.isdigit() for part in quota_and_period):
        return None  # "max", "-1", or no control group
    quota, period = map(int, quota_and_period)
    return -(-quota // period) if quota and period else None


def _environment_limit() -> int | None:
    for variable in _LIMIT_VARIABLES:
        text = os.environ.get(variable)
        if text:
            if not text.isdigit() or int(text) < 1:
                raise InvalidArgumentError(
                    f"the environment variable {variable}={text!r} is not a number of CPUs: set it "
                    "to 1 or more, or unset it"
                )
            return int(text)
    return None


def _physical_cores(allowed: set[int] | None) -> int | None:
    if allowed is None:
        return None
    cores = {
        (_read(folder + "physical_package_id"), _read(folder + "core_id"))
        for folder in map(_TOPOLOGY.format, allowed)
    }
    return None if ("", "") in cores else len(cores)


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""
