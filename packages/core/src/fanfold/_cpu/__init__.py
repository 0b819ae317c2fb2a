"""How many CPUs this code may use.

- ``counting.py``: `cpu_count`, the smallest of all limits.
- ``cgroup.py``, ``allocation.py``, ``cores.py``: what control groups, schedulers of batch jobs and
  the processor itself say.
"""

from .counting import CpuCounter, cpu_count, resolve_n_jobs

__all__ = ["CpuCounter", "cpu_count", "resolve_n_jobs"]
