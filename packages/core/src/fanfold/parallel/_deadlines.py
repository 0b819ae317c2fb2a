"""When a call must act though no batch completes, because a task has had its time."""

from __future__ import annotations

from time import monotonic

from ..tasks.watched import WatchedBatch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from ..contracts.future import BatchFuture
    from ..errors import FanfoldError
    from ..tasks.batches import EncodedBatch
    from ..tasks.local import LocalBatch
    from ..tasks.outcomes import Outcome

    AnyBatch: TypeAlias = EncodedBatch | LocalBatch

__all__ = ["Deadlines"]


class Deadlines:
    """The time that tasks in flight have left.

    Parameters
    ----------
    timeout : float or None
        How many seconds a batch may take from its submission; more ends the call.
    task_seconds : float or None
        How many seconds one task may take, where nobody else sees to it: on backends that share
        memory. One that takes more has failed, and its batch is given up.
    """

    def __init__(self, timeout: float | None, task_seconds: float | None) -> None:
        self._timeout = timeout
        self._task_seconds = task_seconds
        self._in_flight: dict[BatchFuture, tuple[float, AnyBatch]] = {}

    def submitted(self, future: BatchFuture, batch: AnyBatch) -> None:
        """Take note that a batch was submitted."""
        self._in_flight[future] = monotonic(), batch

    def ended(self, future: BatchFuture) -> None:
        """Take note that it is not in flight any more."""
        del self._in_flight[future]

    def next(self) -> float | None:
        """Return when to look again at the latest, on the monotonic clock; None for never."""
        if not self._in_flight:
            return None
        deadlines = []
        if self._timeout is not None:
            submitted_at, _ = next(iter(self._in_flight.values()))
            deadlines.append(submitted_at + self._timeout)
        if self._task_seconds is not None:
            not_before = monotonic() + self._task_seconds  # for tasks that have not begun
            deadlines += [batch.deadline or not_before for _, batch in self._watched()]
        return min(deadlines, default=None)

    def exceeded(self) -> FanfoldError | None:
        """Return the error that ends the call, if the oldest batch has had its time."""
        if self._timeout is None or not self._in_flight:
            return None
        submitted_at, batch = next(iter(self._in_flight.values()))
        if monotonic() < submitted_at + self._timeout:
            return None
        from ..errors import TaskTimeoutError

        return TaskTimeoutError(
            f"{batch.describe(0)} did not finish within timeout={self._timeout} seconds. Give it "
            "more time, or find out what it waits for",
            task_index=batch.first_task,
        )

    def give_up(self) -> list[tuple[BatchFuture, Outcome]]:
        """Give up the batches whose present task has had its time; return what ran of them."""
        given_up = [(future, batch.give_up()) for future, batch in self._watched()]
        return [(future, outcome) for future, outcome in given_up if outcome is not None]

    def _watched(self) -> list[tuple[BatchFuture, WatchedBatch]]:
        return [
            (future, batch)
            for future, (_, batch) in self._in_flight.items()
            if isinstance(batch, WatchedBatch)
        ]
