"""What follows when not all went well: tasks are run again, or their failures settled.

The policy decides; this cuts batches accordingly, and tells dispatcher and observers.
"""

from __future__ import annotations

from time import monotonic

from ..errors import BackendUnavailableError, OfOneTask
from ..tasks.outcomes import FailedTask, RemoteTraceback
from ._failure import TaskFailure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from ..tasks.batches import EncodedBatch
    from ..tasks.local import LocalBatch
    from ..tasks.outcomes import Outcome
    from ._dispatcher import Dispatcher
    from ._observing import Observer
    from ._policy import FailurePolicy, Verdict
    from ._requeue import Requeue

    AnyBatch: TypeAlias = EncodedBatch | LocalBatch

__all__ = ["Recovery"]


class Recovery:
    """Sees to the tasks that failed, and to those that were not run on their account.

    Parameters
    ----------
    policy : FailurePolicy
        What decides.
    dispatcher : Dispatcher
        Is told of results, and of the failure that ends the call.
    again : Requeue
        Takes what is to be run again.
    observers : sequence of Observer
        Are told of failures.
    streaming : bool
        Whether results are taken one by one: then those that were ready count, though the call
        fails.
    """

    def __init__(
        self,
        policy: FailurePolicy,
        dispatcher: Dispatcher,
        again: Requeue,
        observers: Sequence[Observer],
        *,
        streaming: bool,
    ) -> None:
        self._policy = policy
        self._dispatcher = dispatcher
        self._again = again
        self._observers = observers
        self._is_streaming = streaming

    def partly(self, batch: AnyBatch, outcome: Outcome) -> None:
        """Take in the outcome of a batch of which not all tasks ran, or not all succeeded."""
        dispatcher, results = self._dispatcher, outcome.results
        first, size = batch.first_task, batch.size
        if not outcome.ran:
            self.lost(batch, _nothing_ran(batch))
            return
        dispatcher.partly_completed(first, outcome, batch.nbytes * outcome.ran // size)
        start = taken = 0
        for failed in outcome.failures:
            between = failed.position - start
            dispatcher.settle(first + start, results[taken : taken + between])
            if self._judge(batch, failed).is_raised:
                dispatcher.fail(failed.error)
            taken += between
            start = failed.position + 1
        dispatcher.settle(first + start, results[taken:])
        if outcome.ran < size:
            self._again.add(batch.cut(outcome.ran, size))

    def lost(self, batch: AnyBatch, error: Exception) -> None:
        """Take in that a batch has no outcome.

        If a worker was lost, only the task that it ran is at fault. Where nobody knows which that
        was, the halves of the batch are run by themselves, until it is alone.
        """
        self._dispatcher.dropped(batch.first_task)
        for observer in self._observers:
            observer.batch_lost(error)
        if not isinstance(error, OfOneTask):
            self._dispatcher.fail(error)
            return
        size = batch.size
        position = _position(batch, error)
        if position is None:
            self._again.add(batch.cut(0, size // 2))
            self._again.add(batch.cut(size // 2, size))
            return
        error.task_index = batch.first_task + position
        failed = FailedTask(position, error, None, error.worker, error.peak_memory)
        finished, error.finished = error.finished, ()
        self._dispatcher.settle(batch.first_task, finished)
        if self._judge(batch, failed).is_raised:
            self._end(batch, failed, len(finished))
            return
        self._again.add(batch.cut(len(finished), position))
        self._again.add(batch.cut(position + 1, size))

    def _end(self, batch: AnyBatch, failed: FailedTask, n_finished: int) -> None:
        """End the call; the tasks before, whose results were lost with the worker, come first."""
        first = batch.first_task
        if n_finished < failed.position and self._is_streaming:
            self._again.clear()
            self._again.add(batch.cut(n_finished, failed.position))
            self._dispatcher.fail_after(
                range(first + n_finished, first + failed.position), failed.error
            )
        else:
            self._dispatcher.fail(failed.error)

    def _judge(self, batch: AnyBatch, failed: FailedTask) -> Verdict:
        """Do what the policy says, short of ending the call, and return what it says."""
        index, error = batch.first_task + failed.position, failed.error
        verdict = self._policy.judge(index, error)
        for observer in self._observers:
            observer.task_failed(index, error, verdict)
        if verdict.retry_in is not None:
            task = batch.cut(failed.position, failed.position + 1)
            task.isolated = verdict.alone
            self._again.add(task, monotonic() + verdict.retry_in if verdict.retry_in else 0.0)
        if verdict.is_returned:
            failure = _task_failure(batch, failed, verdict.attempts)
            self._dispatcher.settle(index, [failure])
        return verdict


def _nothing_ran(batch: AnyBatch) -> BackendUnavailableError:
    return BackendUnavailableError(
        f"the backend answered without having run any of {batch.summary}: it has to return what "
        "fanfold.run_batch returns"
    )


def _position(batch: AnyBatch, error: OfOneTask) -> int | None:
    """Return the position of the task that an error is about, if that is known."""
    if batch.size == 1:
        return 0
    if error.task_index is None or not 0 <= error.task_index - batch.first_task < batch.size:
        return None
    return error.task_index - batch.first_task


def _task_failure(batch: AnyBatch, failed: FailedTask, attempts: int) -> TaskFailure:
    error = failed.error
    assert isinstance(error, Exception), "others end the call"
    text = failed.traceback
    if text is None:
        text = _format(error)
    # Frames would keep alive whatever the task used, in each of perhaps a million failures.
    error.__cause__, error.__context__, error.__traceback__ = RemoteTraceback(text), None, None
    function, arguments = batch.spell(failed.position)
    return TaskFailure(
        error,
        text,
        index=batch.first_task + failed.position,
        function=function,
        arguments=arguments,
        attempts=attempts,
        worker=failed.worker,
        exit_code=error.exit_code if isinstance(error, OfOneTask) else None,
        peak_memory=failed.peak_memory,
    )


def _format(error: Exception) -> str:
    import traceback

    frames = error.__traceback__.tb_next if error.__traceback__ is not None else None
    return "".join(traceback.format_exception(type(error), error, frames))
