"""The sequential backend: a plain loop in the calling thread."""

from __future__ import annotations

from concurrent.futures import Future

from ..contracts.backend import Backend, BackendCapabilities, Batch, Executor, ExecutorRequest

__all__ = ["SequentialBackend"]


class SequentialExecutor(Executor):
    """Runs each batch when it is submitted."""

    def submit(self, batch: Batch) -> Future[object]:
        """Run the batch and return its completed future."""
        future: Future[object] = Future()
        future.set_result(batch.run())
        return future

    def close(self, *, abort: bool = False) -> None:
        """Do nothing: there is nothing to give back."""


class SequentialBackend(Backend):
    """One task after the other in the calling thread, as a loop would run them."""

    name = "sequential"
    capabilities = BackendCapabilities(shares_memory=True, runs_in_caller=True)

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Return 1, whatever is asked for."""
        return 1

    def executor(self, request: ExecutorRequest) -> SequentialExecutor:
        """Return an executor for one call."""
        return SequentialExecutor()
