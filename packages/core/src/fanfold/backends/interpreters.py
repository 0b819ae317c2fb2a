"""The interpreters backend: batches run in interpreters of this process, each with its own GIL."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .._cpu import cpu_count, resolve_n_jobs
from ..contracts import Backend, Batch, BoundedExecutor, ExecutorRequest
from ..errors import BackendUnavailableError
from ..tasks.running import run_batch

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor as Pool, Future

__all__ = ["InterpretersBackend"]


class InterpretersExecutor(BoundedExecutor):
    """Runs batches on a pool of the standard library, which ends with this."""

    def __init__(self, pool: Pool, n_jobs: int) -> None:
        super().__init__(n_jobs)
        self._pool = pool

    def start(self, batch: Batch, future: Future[object]) -> None:
        """Submit the batch."""
        sent = self._pool.submit(run_batch, batch.payload)
        sent.add_done_callback(lambda done: _deliver(future, done))

    def abort(self) -> None:
        """Drop what has not begun; what runs goes on to its end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def close(self, *, abort: bool = False) -> None:
        """End the interpreters when they have nothing to do."""
        super().close(abort=abort)
        self._pool.shutdown(wait=not abort)


class InterpretersBackend(Backend):
    """Interpreters of the calling process, from Python 3.14 on; experimental.

    Tasks share neither the GIL nor objects with the caller. Beside processes, this lacks workers
    that are kept between calls; modules in C that do not support interpreters, such as numpy so
    far; large arrays that are not copied; a way to end a task that runs, or to survive a crash.
    """

    name = "interpreters"

    def __init__(self) -> None:
        self._new_pool = _pool_class()

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Return `n_jobs`, or what negative numbers leave of the CPUs."""
        return resolve_n_jobs(n_jobs, cpu_count())

    def nested_backend(self) -> str:
        """Return ``"sequential"``: what runs here may not start threads that end by themselves."""
        return "sequential"

    def executor(self, request: ExecutorRequest) -> InterpretersExecutor:
        """Return an executor for one call."""
        return InterpretersExecutor(self._new_pool(request.n_jobs), request.n_jobs)


def _pool_class() -> Callable[[int], Pool]:
    if sys.version_info >= (3, 14):
        from concurrent.futures import InterpreterPoolExecutor

        return InterpreterPoolExecutor
    raise BackendUnavailableError(
        "backend='interpreters' needs Python 3.14 or newer: use backend='processes', or "
        "backend='threads' where tasks release the GIL"
    )


def _deliver(future: Future[object], sent: Future[bytes]) -> None:
    try:
        future.set_result(sent.result())
    except BaseException as error:  # noqa: BLE001  all of it is told, also that it was dropped
        future.set_exception(error)
