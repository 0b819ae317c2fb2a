"""The sequential backend: a plain loop in the calling thread."""

from __future__ import annotations

from ..contracts.backend import Backend, BackendCapabilities, Batch, Executor, ExecutorRequest
from .inner_threads import limit_as_asked
from .light_future import LightFuture

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .inner_threads import ThreadLimit

__all__ = ["SequentialBackend"]


class SequentialExecutor(Executor):
    """Runs each batch when it is submitted.

    Parameters
    ----------
    limit : ThreadLimit or None
        What limits the numeric libraries in tasks.
    """

    def __init__(self, limit: ThreadLimit | None) -> None:
        self._limit = limit

    def submit(self, batch: Batch) -> LightFuture:
        """Run the batch and return its completed future."""
        future = LightFuture()
        future.complete(batch.run() if self._limit is None else self._run_limited(batch))
        return future

    def _run_limited(self, batch: Batch) -> object:
        # Not for the whole call: whoever takes its results one by one computes in between.
        assert self._limit is not None
        self._limit.hold()
        held = self._limit.hold_in_this_thread()
        try:
            return batch.run()
        finally:
            held.put_back()
            self._limit.release()

    def close(self, *, abort: bool = False) -> None:
        """Do nothing: there is nothing to give back."""


class SequentialBackend(Backend):
    """One task after the other in the calling thread, as a loop would run them.

    While tasks run, BLAS and OpenMP libraries use as many threads as ``inner_max_num_threads``
    says, which takes threadpoolctl; else as many as ever.
    """

    name = "sequential"
    capabilities = BackendCapabilities(
        shares_memory=True, runs_in_caller=True, limits_inner_threads=True
    )

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Return 1, whatever is asked for."""
        return 1

    def executor(self, request: ExecutorRequest) -> SequentialExecutor:
        """Return an executor for one call.

        Raises
        ------
        fanfold.errors.MissingExtraError
            If the request limits inner threads, and threadpoolctl is not installed.
        """
        asked = request.inner_max_num_threads
        return SequentialExecutor(None if asked is None else limit_as_asked(asked))
