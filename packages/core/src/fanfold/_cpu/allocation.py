"""How many CPUs the environment grants: limits set by users, and allocations of batch jobs."""

from __future__ import annotations

from ..errors import InvalidArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["allocated_cpus", "laid_down_limit"]

_LIMIT_VARIABLES = ("FANFOLD_MAX_CPU_COUNT", "LOKY_MAX_CPU_COUNT")

_SCHEDULERS = (
    ("SLURM_JOB_ID", ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE", "SLURM_JOB_CPUS_PER_NODE")),
    ("PBS_JOBID", ("NCPUS", "PBS_NUM_PPN")),
    ("LSB_JOBID", ("LSB_DJOB_NUMPROC",)),
    ("JOB_ID", ("NSLOTS",)),
)
"""What SLURM, PBS, LSF and Grid Engine set in each job, and then where they tell the CPUs.

The first of a scheduler's variables that holds a number counts.
"""


def laid_down_limit(environment: Mapping[str, str]) -> int | None:
    """Return the limit that the user laid down, or None.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If it is not a number of 1 or more.
    """
    for variable in _LIMIT_VARIABLES:
        text = environment.get(variable)
        if text:
            if not text.isdigit() or int(text) < 1:
                raise InvalidArgumentError(
                    f"the environment variable {variable}={text!r} is not a number of CPUs: set it "
                    "to 1 or more, or unset it"
                )
            return int(text)
    return None


def allocated_cpus(environment: Mapping[str, str]) -> int | None:
    """Return how many CPUs a scheduler of batch jobs gave to this one, or None outside of jobs.

    A value that is no number is passed over: it is not ours, and some sites write words there.

    Examples
    --------
    >>> allocated_cpus({"SLURM_JOB_ID": "7", "SLURM_CPUS_PER_TASK": "4"})
    4
    """
    for job, variables in _SCHEDULERS:
        if job in environment:
            for variable in variables:
                count = _first_count(environment.get(variable, ""), environment)
                if count:
                    return count
    return None


def _first_count(text: str, environment: Mapping[str, str]) -> int | None:
    """Return the number in a variable, or this node's in a list such as ``16(x2),8``."""
    counts: list[int] = []
    for part in text.split(","):
        number, _, times = part.partition("(x")
        times = times.removesuffix(")") or "1"
        if not number.isdigit() or not times.isdigit():
            return None
        counts += [int(number)] * int(times)
    node = environment.get("SLURM_NODEID", "0")
    return counts[int(node)] if node.isdigit() and int(node) < len(counts) else max(counts)
