"""What went wrong in the cluster, as an error that says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fanfold.errors import BackendUnavailableError, WorkerLostError
from ray import exceptions

if TYPE_CHECKING:
    from fanfold.contracts import Batch
    from fanfold.errors import FanfoldError

__all__ = ["explain", "shut_down"]

_LOST = (
    exceptions.WorkerCrashedError,
    exceptions.OutOfMemoryError,
    exceptions.NodeDiedError,
    exceptions.LocalRayletDiedError,
    exceptions.ObjectLostError,
)
"""A worker is gone, or its node, or the node that kept its result."""


def explain(error: BaseException, batch: Batch) -> FanfoldError:
    """Return the error for a batch that has no outcome; tasks' own errors are in outcomes.

    Parameters
    ----------
    error : BaseException
        What Ray gave in the place of an outcome.
    batch : Batch
        What it was to run.
    """
    explained = _explain(error, batch)
    explained.__cause__ = error
    return explained


def _explain(error: BaseException, batch: Batch) -> FanfoldError:
    if isinstance(error, _LOST):
        return WorkerLostError(
            f"a Ray worker was lost while it ran {batch.summary} ({type(error).__name__}: "
            f"{_first_line(error)})",
            task_index=batch.first_task if batch.size == 1 else None,
        )
    if isinstance(error, exceptions.TaskCancelledError):
        return BackendUnavailableError(f"Ray cancelled {batch.summary}: somebody asked it to")
    if "No module named 'fanfold'" in str(error):
        return BackendUnavailableError(
            "the Ray workers cannot import fanfold: install it, in the same version, on every "
            "node, or give them an environment that has it: runtime_env={'pip': ['fanfold']}"
        )
    return BackendUnavailableError(
        f"Ray could not run {batch.summary}: {type(error).__name__}: {_first_line(error)}"
    )


def shut_down(batch: Batch) -> BackendUnavailableError:
    """Return the error for a batch that Ray took along when it was shut down."""
    return BackendUnavailableError(
        f"Ray was shut down before it had run {batch.summary}: call ray.shutdown() when all calls "
        "of Parallel have ended"
    )


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
