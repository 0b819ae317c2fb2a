"""One call's batches as tasks of Ray."""

from __future__ import annotations

from functools import partial
from math import inf
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

import ray
from fanfold import run_batch
from fanfold.contracts import BoundedExecutor

from ._connection import session
from ._failures import explain, shut_down

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future
    from typing import Any, TypeAlias

    from fanfold.contracts import Batch, BatchFuture

    Arrival: TypeAlias = tuple[Batch, Future[object], Future[object]]

__all__ = ["RayExecutor"]

_remote_run_batch = ray.remote(run_batch)
"""Made once, because Ray sends each remote function to its workers anew."""


class RayExecutor(BoundedExecutor):
    """Runs batches on the cluster that this process is connected to.

    Ray tells that a task is complete in a thread of its own, which must not be held up. So a thread
    of the executor takes that in, completes the batch's future, and starts the next batch.

    Ray tells nobody when it is shut down, and what ran is never completed then. So while nothing
    else happens, that thread looks every `LOOK_AFTER` seconds whether Ray is still there.

    Parameters
    ----------
    n_jobs : int
        How many batches the cluster may have at once.
    options : mapping
        What Ray is told about each batch, such as the resources that it takes.
    """

    LOOK_AFTER = 1.0

    def __init__(self, n_jobs: int, options: Mapping[str, Any]) -> None:
        super().__init__(n_jobs)
        self._options = options
        self._session = session()
        self._running: dict[Future[object], tuple[Batch, ray.ObjectRef[bytes]]] = {}
        self._arrived: SimpleQueue[Arrival | None] = SimpleQueue()
        self._is_in_worker = ray.get_runtime_context().worker.mode == ray.WORKER_MODE
        Thread(target=self._deliver_all, name="fanfold-ray", daemon=True).start()

    def start(self, batch: Batch, future: Future[object]) -> None:
        """Submit the batch, under the name that Ray's tools show.

        Raises
        ------
        fanfold.errors.BackendUnavailableError
            If Ray was shut down, or refuses the batch.
        """
        if session() != self._session:
            raise shut_down(batch)  # Ray would start itself again, with other workers
        try:
            remote = _remote_run_batch.options(name=batch.label, **self._options)
            task = remote.remote(batch.payload, *batch.shared)
        except Exception as error:
            raise explain(error, batch) from error
        self._running[future] = batch, task
        task.future().add_done_callback(partial(self._arrive, batch, future))

    def wait(
        self, completed: SimpleQueue[BatchFuture | None], timeout: float | None
    ) -> BatchFuture | None:
        """Wait for a future to be complete; in a task of Ray, lend its CPUs out meanwhile."""
        deadline = monotonic() + (inf if timeout is None else timeout)
        while self._is_in_worker and completed.empty() and (left := deadline - monotonic()) > 0:
            # Only in a wait of Ray's own does a task give up what it holds, so that the tasks it
            # waits for can run. That wait cannot be interrupted, so it is cut into short ones.
            running = [task for _, task in self._running.copy().values()]
            if (
                not running
                or ray.wait(running, timeout=min(left, self.LOOK_AFTER), fetch_local=False)[0]
            ):
                break
        return super().wait(completed, None if timeout is None else max(0, deadline - monotonic()))

    def put(self, data: memoryview) -> ray.ObjectRef[bytes]:
        """Keep bytes in Ray's object store, from which each node gets them once."""
        return ray.put(bytes(data))

    def close(self, *, abort: bool = False) -> None:
        """Let the executor's thread end; with `abort`, end what runs."""
        super().close(abort=abort)
        self._arrived.put(None)

    def abort(self) -> None:
        """Drop what waits for resources, and end the workers that run something."""
        if session() != self._session:
            return  # Ray was shut down, and everything with it
        for _, task in self._running.copy().values():
            ray.cancel(task, force=True)

    def _arrive(self, batch: Batch, future: Future[object], arrived: Future[object]) -> None:
        self._arrived.put((batch, future, arrived))

    def _deliver_all(self) -> None:
        while session() == self._session:
            try:
                arrival = self._arrived.get(timeout=self.LOOK_AFTER)
            except Empty:
                continue
            if arrival is None:
                return
            batch, future, arrived = arrival
            self._running.pop(future, None)
            error = arrived.exception()
            if error is not None:
                future.set_exception(explain(error, batch))
            else:
                future.set_result(arrived.result())
            del arrival, batch, future, arrived, error  # no result lives until the next one
        while self._running:
            future, (batch, _) = self._running.popitem()
            future.set_exception(shut_down(batch))
