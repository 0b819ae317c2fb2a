"""What users choose as backend="processes"."""

from __future__ import annotations

import sys

from ..._cpu import cpu_count, resolve_n_jobs
from ..._sizes import parse_size
from ...contracts.backend import Backend, BackendCapabilities, ExecutorRequest
from ...errors import BackendUnavailableError, InvalidArgumentError
from ..inner_threads import thread_settings
from .ahead import ahead
from .life import DEFAULT_LIFE
from .memory_limit import can_see_memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .executor import ProcessesExecutor
    from .life import Life

__all__ = ["ProcessesBackend"]

_SHORTEST_TIMEOUT = 0.001
_LONGEST_TIMEOUT = 1e9


class ProcessesBackend(Backend):
    """Worker processes on this machine, reused between calls.

    They are fresh interpreters, which follow this process's environment, import path and current
    directory from call to call. What tasks print comes to this process's ``sys.stdout`` and
    ``sys.stderr``, a line at a time. Numeric libraries in them use as many threads as
    ``inner_max_num_threads`` says, else the environment, else so many that all workers together use
    each CPU once.

    Parameters
    ----------
    idle_worker_timeout : float, default=300
        After so many seconds without work a worker leaves. The next call starts another.
    max_rss : int, str or None, default=None
        How much resident memory a worker may take, in bytes or as a text such as ``"2G"``. One that
        takes more after a batch is replaced by another: what it has finished is kept, and a warning
        in the log ``fanfold.workers`` names the figures. Mapped files and shared memory do not
        count. Only on Linux.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If `idle_worker_timeout` is not a number above 0, or `max_rss` is not a size.
    fanfold.errors.BackendUnavailableError
        If `max_rss` is given on a platform that does not show what memory a process takes.

    Examples
    --------
    >>> from fanfold import Parallel, delayed
    >>> Parallel(n_jobs=2, max_rss="1G", idle_worker_timeout=60)(delayed(abs)(x) for x in (-1, -2))
    [1, 2]
    """

    name = "processes"
    capabilities = BackendCapabilities(
        stops_running_tasks=True,
        limits_inner_threads=True,
        limits_task_time=True,
        stores_objects=True,
    )

    def __init__(
        self, *, idle_worker_timeout: float = DEFAULT_LIFE[0], max_rss: int | str | None = None
    ) -> None:
        self._life: Life = (_check_timeout(idle_worker_timeout), _check_max_rss(max_rss))

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Return `n_jobs`, or what negative numbers leave of the CPUs."""
        return n_jobs if n_jobs > 0 else resolve_n_jobs(n_jobs, cpu_count())

    def executor(self, request: ExecutorRequest) -> ProcessesExecutor:
        """Return an executor for one call."""
        share = self.cpus_per_task(request.n_jobs)
        environment = thread_settings(request.inner_max_num_threads, share)
        ahead.start(environment)
        # Only now: it is what takes time.
        from .executor import ProcessesExecutor
        from .stock import stock

        return ProcessesExecutor(
            stock,
            request.n_jobs,
            environment=environment,
            life=self._life,
            interruptible=request.interruptible,
            temp_folder=request.temp_folder,
            task_timeout=request.task_timeout,
        )

    def close(self) -> None:
        """Let the idle workers leave."""
        from .stock import stock

        stock.close()


def _check_timeout(seconds: object) -> float:
    if (
        isinstance(seconds, bool)
        or not isinstance(seconds, int | float)
        or not _SHORTEST_TIMEOUT <= seconds <= _LONGEST_TIMEOUT
    ):
        raise InvalidArgumentError(
            f"idle_worker_timeout={seconds!r} is not valid: expected a number of seconds from "
            f"{_SHORTEST_TIMEOUT} to {_LONGEST_TIMEOUT:.0f}"
        )
    return float(seconds)


def _check_max_rss(max_rss: int | str | None) -> int | None:
    if max_rss is None:
        return None
    if not can_see_memory():
        raise BackendUnavailableError(
            f"max_rss={max_rss!r} needs /proc to see how much memory a worker takes, which "
            f"{sys.platform} does not have: leave it out here"
        )
    size = parse_size(max_rss, "max_rss")
    if size <= 0 or isinstance(max_rss, bool):
        raise InvalidArgumentError(f"max_rss={max_rss!r} is not valid: expected more than 0 bytes")
    return size
