"""What went wrong in the cluster, as an error that says what to do."""

from __future__ import annotations

import asyncio
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING

from distributed import KilledWorker
from fanfold.errors import BackendUnavailableError, WorkerLostError

if TYPE_CHECKING:
    from fanfold.contracts import Batch
    from fanfold.errors import FanfoldError

__all__ = ["explain"]


def explain(error: BaseException, batch: Batch) -> FanfoldError:
    """Return the error for a batch that has no outcome; tasks' own errors are in outcomes.

    Parameters
    ----------
    error : BaseException
        What Dask gave in the place of an outcome.
    batch : Batch
        What it was to run.
    """
    explained = _explain(error, batch)
    explained.__cause__ = error
    return explained


def _explain(error: BaseException, batch: Batch) -> FanfoldError:
    if isinstance(error, KilledWorker):
        return WorkerLostError(
            f"a Dask worker was lost while it ran {batch.summary}, {_times(error)}. The worker's "
            "log says why; the kernel ends processes when memory runs out, and Dask's nanny before "
            "that",
            task_index=batch.first_task if batch.size == 1 else None,
        )
    if isinstance(error, CancelledError | asyncio.CancelledError):
        return BackendUnavailableError(
            f"Dask dropped {batch.summary}: the client or the scheduler was closed, or the "
            f"connection between them was lost ({error})"
        )
    if isinstance(error, ImportError) and (error.name or "").partition(".")[0] == "fanfold":
        return BackendUnavailableError(
            f"a Dask worker cannot import fanfold ({error}): install it on every worker, in the "
            "same version as here"
        )
    return BackendUnavailableError(
        f"Dask could not run {batch.summary}: {type(error).__name__}: {error}"
    )


def _times(error: KilledWorker) -> str:
    failures = error.allowed_failures + 1
    return "once" if failures == 1 else f"{failures} times in a row"
