"""What users choose as backend="processes"."""

from __future__ import annotations

from ..._cpu import cpu_count, resolve_n_jobs
from ...contracts.backend import Backend, BackendCapabilities, ExecutorRequest
from .executor import ProcessesExecutor
from .stock import stock

__all__ = ["ProcessesBackend"]


class ProcessesBackend(Backend):
    """Worker processes on this machine, reused between calls.

    They are fresh interpreters: they inherit the environment, the import path and the current
    directory, and nothing else.
    """

    name = "processes"
    capabilities = BackendCapabilities(stops_running_tasks=True)

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Return `n_jobs`, or what negative numbers leave of the CPUs."""
        # Counting CPUs reads files; most calls say how many workers they want.
        return n_jobs if n_jobs > 0 else resolve_n_jobs(n_jobs, cpu_count())

    def executor(self, request: ExecutorRequest) -> ProcessesExecutor:
        """Return an executor for one call."""
        return ProcessesExecutor(stock, request.n_jobs, interruptible=request.interruptible)

    def close(self) -> None:
        """Let the idle workers leave."""
        stock.close()
