"""Live tasks whose time is limited: nobody can stop a thread, but one need not wait for it."""

from __future__ import annotations

from threading import Lock, current_thread
from time import monotonic

from .known_objects import known_objects
from .local import LocalBatch
from .naming import not_a_task
from .outcomes import FailedTask, Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["WatchedBatch"]


class WatchedBatch(LocalBatch):
    """A batch that whoever waits for it may give up, when its present task has had its time.

    What ran before counts. The thread goes on with that task, and then runs nothing more of it.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._lock = Lock()
        self._began: float | None = None
        self._worker = ""
        self._is_given_up = False
        self._outcome = Outcome([], [], 0.0)

    @property
    def deadline(self) -> float | None:
        """When the present task has had its time, on the monotonic clock; None if none runs."""
        began, seconds = self._began, self._terms.task_seconds
        return None if began is None or seconds is None else began + seconds

    def give_up(self) -> Outcome | None:
        """Return what has run, the present task as failed; None if it still has time, or ended."""
        from ..errors import TaskTimeoutError  # brings multiprocessing along

        with self._lock:
            deadline = self.deadline
            if deadline is None or monotonic() < deadline:
                return None
            self._is_given_up = True
            position = self._outcome.ran
            index = self.first_task + position
            error = TaskTimeoutError(
                f"{self.describe(position)} did not finish within task_timeout="
                f"{self._terms.task_seconds} seconds. Its thread, {self._worker}, cannot be "
                "stopped and goes on; on processes it would be ended: backend='processes'",
                task_index=index,
            )
            failed = FailedTask(position, error, None, self._worker)
            return self._and(failed, self._outcome.seconds)

    def _run(self) -> Outcome:
        self._worker = current_thread().name
        began = monotonic()
        for position, task in enumerate(self._tasks):
            if self._stop.is_up:
                break
            with self._lock:
                self._began = monotonic()
            came = self._run_one(position, task)
            seconds = monotonic() - began
            with self._lock:
                if self._is_given_up:
                    break
                self._began = None
                self._outcome = self._and(came, seconds)
            if isinstance(came, FailedTask) and not self._terms.goes_on:
                break
            if seconds > self._terms.batch_seconds:
                break
        return self._outcome

    def _run_one(self, position: int, task: Any) -> tuple[object] | FailedTask:
        """Return what a task returns, or that it failed."""
        try:
            function, args, kwargs = task
        except (TypeError, ValueError) as error:
            raise not_a_task(task, self.first_task + position) from error
        if known_objects.has_handles:
            from .shared_objects import unwrap  # loaded already, where there is a handle

            args, kwargs = unwrap(args, kwargs)
        function = self._terms.bind(function, self.first_task + position)
        try:
            return (function(*args, **kwargs),)
        except Exception as error:  # noqa: BLE001  a task may raise anything
            return self._failed(position, task, error)

    def _and(self, came: tuple[object] | FailedTask, seconds: float) -> Outcome:
        """Return the outcome with one more task."""
        results, failures = self._outcome.results, self._outcome.failures
        if isinstance(came, FailedTask):
            failures = [*failures, came]
        else:
            results += came
        return Outcome(results, failures, seconds)
