"""How many CPUs this code may use: the smallest of what limits them."""

from __future__ import annotations

import os
from functools import partial

from .._nesting import nesting
from ..errors import InvalidArgumentError
from .allocation import allocated_cpus, laid_down_limit
from .cgroup import cgroup_limit
from .cores import count_cores

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CpuCounter", "cpu_count", "resolve_n_jobs"]


def cpu_count(only_physical_cores: bool = False) -> int:
    """Return the number of CPUs that this code may use, 1 or more.

    It is the smallest of:

    - the CPUs of the machine;
    - those that the process may run on: its affinity, which cpusets of control groups limit too
      (Linux; macOS and Windows do not tell);
    - the CPU bandwidth of the process's control group and of all above it, rounded up (Linux);
    - what a scheduler gave to the batch job: ``SLURM_CPUS_PER_TASK``, else ``SLURM_CPUS_ON_NODE``,
      else ``SLURM_JOB_CPUS_PER_NODE``; ``NCPUS``, else ``PBS_NUM_PPN``; ``LSB_DJOB_NUMPROC``;
      ``NSLOTS``;
    - the environment variable ``FANFOLD_MAX_CPU_COUNT``, else ``LOKY_MAX_CPU_COUNT``;
    - inside a task, the task's share: what the caller could use, divided by its workers.

    Control groups and batch jobs are looked up once in each process.

    Parameters
    ----------
    only_physical_cores : bool, default=False
        Count cores in place of hardware threads, where the platform tells them apart (Linux) and
        the limits above allow that many.

    Returns
    -------
    int
        The count.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If ``FANFOLD_MAX_CPU_COUNT`` or ``LOKY_MAX_CPU_COUNT`` is not a number of 1 or more.

    Examples
    --------
    >>> from fanfold import cpu_count
    >>> cpu_count() >= 1
    True
    """
    count = _this_process.count(only_physical_cores)
    share = nesting.get()[2]
    return count if share is None else min(count, share)


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


class CpuCounter:
    """Counts the CPUs of a process.

    Parameters
    ----------
    root : str, default=""
        The folder in which ``/proc`` and ``/sys`` are looked up.
    environment : mapping, default=os.environ
        The environment variables.
    """

    def __init__(self, root: str = "", environment: Mapping[str, str] = os.environ) -> None:
        self._read = partial(_read, root)
        self._environment = environment
        self._fixed: int | None = None

    def count(self, only_physical_cores: bool = False) -> int:
        """Return the smallest of all limits, 1 or more."""
        if self._fixed is None:
            self._fixed = self._fixed_limit()
        limits = [self._fixed]
        laid_down = laid_down_limit(self._environment)
        if laid_down is not None:
            limits.append(laid_down)
        allowed = _allowed_cpus()
        if allowed is not None:
            limits.append(len(allowed))
            if only_physical_cores and (cores := count_cores(allowed, self._read)) is not None:
                limits.append(cores)
        return max(1, min(limits))

    def _fixed_limit(self) -> int:
        """Return what does not change while a process runs, or hardly ever: it takes reading."""
        limits = [os.cpu_count(), cgroup_limit(self._read), allocated_cpus(self._environment)]
        return min((limit for limit in limits if limit is not None), default=1)


def _allowed_cpus() -> set[int] | None:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return None  # macOS and Windows do not tell


def _read(root: str, path: str) -> str:
    try:
        with open(root + path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read().strip()
    except OSError:
        return ""


_this_process = CpuCounter()
