"""What is told of workers that ended: the errors that batches end with."""

from __future__ import annotations

from _pickle import loads

from ...errors import BackendUnavailableError, FanfoldError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...tasks.batches import EncodedBatch
    from ...tasks.running import EncodedOutcome
    from .handle import WorkerHandle

__all__ = ["never_ready", "task_timed_out", "what_was_done", "worker_lost"]


def worker_lost(
    batch: EncodedBatch,
    position: int | None,
    worker: WorkerHandle,
    finished: Sequence[bytes] = (),
) -> FanfoldError:
    """Return the error for a batch whose worker ended.

    Parameters
    ----------
    batch : EncodedBatch
        The batch.
    position : int or None
        The position of the task that ran; None where none had begun.
    worker : WorkerHandle
        The worker, which was waited for.
    finished : sequence of bytes, default=()
        What is known of the results of the tasks before it, pickled.
    """
    from ...errors import WorkerLostError

    what = "was about to run" if position is None else "ran"
    if position is None and batch.size == 1:
        position = 0
    task = batch.summary if position is None else batch.describe(position)
    error = WorkerLostError(
        f"a worker process {_how_it_ended(worker.exit_code)} while it {what} {task}. The other "
        "workers were not affected, and the next call starts a new one",
        task_index=None if position is None else batch.first_task + position,
        exit_code=worker.exit_code,
        worker=worker.pid,
        peak_memory=worker.peak_memory,
    )
    error.finished = [loads(pickled) for pickled in finished[:position]]
    return error


def task_timed_out(
    batch: EncodedBatch, position: int, worker: WorkerHandle, finished: Sequence[bytes]
) -> FanfoldError:
    """Return the error for a batch whose worker was ended because of a task; as `worker_lost`."""
    from ...errors import TaskTimeoutError

    error = TaskTimeoutError(
        f"{batch.describe(position)} did not finish within its task_timeout, and its worker "
        "process was ended. Give it more time, or find out what it waits for",
        task_index=batch.first_task + position,
        exit_code=worker.exit_code,
        worker=worker.pid,
    )
    error.finished = [loads(pickled) for pickled in finished[:position]]
    return error


def what_was_done(finished: Sequence[bytes]) -> tuple[EncodedOutcome, tuple[()]]:
    """Return the answer of a worker that ended before it gave it, from its results, pickled."""
    return (0.0, finished, sum(map(len, finished)), None, ()), ()


def _how_it_ended(exit_code: int | None) -> str:
    import signal

    if exit_code is None:
        return "ended"
    if exit_code >= 0:
        return f"ended with exit code {exit_code} (os._exit, or a crash at exit)"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = "unknown"
    hint = {
        "SIGKILL": "; the kernel sends it when memory runs out",
        "SIGSEGV": "; an extension module crashed",
    }.get(name, "")
    return f"was ended by signal {-exit_code} ({name}{hint})"


def never_ready(exit_code: int | None) -> BackendUnavailableError:
    """Return the error for a batch whose worker ended before it was up."""
    return BackendUnavailableError(
        f"a worker process {_how_it_ended(exit_code)} before it was ready; what it wrote to stderr "
        "says why. A module that shadows one of the standard library is a usual cause"
    )
