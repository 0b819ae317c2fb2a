"""What users choose as backend="processes"."""

from __future__ import annotations

from ..._cpu import cpu_count, resolve_n_jobs
from ...contracts.backend import Backend, BackendCapabilities, ExecutorRequest
from ..inner_threads import thread_settings
from .executor import ProcessesExecutor
from .stock import stock

__all__ = ["ProcessesBackend"]


class ProcessesBackend(Backend):
    """Worker processes on this machine, reused between calls.

    They are fresh interpreters: they inherit the environment, the import path and the current
    directory, and nothing else. Numeric libraries in them use as many threads as
    ``inner_max_num_threads`` says, else the environment, else so many that all workers together use
    each CPU once.
    """

    name = "processes"
    capabilities = BackendCapabilities(stops_running_tasks=True, limits_inner_threads=True)

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Return `n_jobs`, or what negative numbers leave of the CPUs."""
        return n_jobs if n_jobs > 0 else resolve_n_jobs(n_jobs, cpu_count())

    def executor(self, request: ExecutorRequest) -> ProcessesExecutor:
        """Return an executor for one call."""
        share = self.cpus_per_task(request.n_jobs)
        environment = thread_settings(request.inner_max_num_threads, share)
        return ProcessesExecutor(
            stock, request.n_jobs, environment=environment, interruptible=request.interruptible
        )

    def close(self) -> None:
        """Let the idle workers leave."""
        stock.close()
