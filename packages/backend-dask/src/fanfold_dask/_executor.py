"""One call's batches as tasks of Dask."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

from fanfold.contracts import BoundedExecutor

from ._failures import explain
from ._nested import leave_worker_thread
from ._task import run_batch

if TYPE_CHECKING:
    from concurrent.futures import Future

    import distributed
    from fanfold.contracts import Batch

__all__ = ["DaskExecutor"]


class DaskExecutor(BoundedExecutor):
    """Runs batches on the cluster of a client.

    What completes a future is a coroutine on the client's event loop: either it gets the outcome,
    or the client cancels what it waits for, or the loop ends and cancels the coroutine itself.

    Parameters
    ----------
    client : distributed.Client
        The connection to the cluster.
    n_jobs : int
        How many batches the cluster may have at once.
    """

    def __init__(self, client: distributed.Client, n_jobs: int) -> None:
        super().__init__(n_jobs)
        self._client = client
        self._running: set[distributed.Future[bytes]] = set()
        leave_worker_thread()

    def start(self, batch: Batch, future: Future[object]) -> None:
        """Submit the batch; its key begins with the name that the dashboard shows, up to a hyphen.

        Raises
        ------
        fanfold.errors.BackendUnavailableError
            If the client is closed.
        """
        try:
            task = self._client.submit(
                run_batch,
                batch.payload,
                *batch.shared,
                key=f"{batch.label.replace('-', '_')}-{uuid4().hex}",
                pure=False,
            )
        except Exception as error:
            raise explain(error, batch) from error
        # Here and not in the coroutine, which the loop may begin only after an abort that follows.
        self._running.add(task)
        loop = self._client.loop
        assert loop is not None, "a client that took a task has its loop"
        loop.add_callback(self._deliver, batch, task, future)

    def put(self, data: memoryview) -> distributed.Future[bytes]:
        """Keep bytes on a worker, from which the others get them.

        They are the result of a task, so a worker that is lost with them is no harm: Dask makes
        them anew from its scheduler's copy. Nor is it one if no worker is there yet.
        """
        return self._client.submit(
            bytes, bytes(data), key=f"fanfold-stored-{uuid4().hex}", pure=False
        )

    def abort(self) -> None:
        """Have the scheduler forget what has not begun."""
        for task in self._running.copy():
            task.release()

    async def _deliver(
        self, batch: Batch, task: distributed.Future[bytes], future: Future[object]
    ) -> None:
        try:
            outcome = await task
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  all of it is told
            future.set_exception(explain(error, batch))
        else:
            future.set_result(outcome)
        finally:
            self._running.discard(task)
            task.release()
