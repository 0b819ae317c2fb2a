"""The errors whose joblib bases pull in multiprocessing; reached through :mod:`fanfold.errors`."""

from __future__ import annotations

import multiprocessing
from concurrent.futures.process import BrokenProcessPool

from .errors import FanfoldError


class TaskTimeoutError(FanfoldError, multiprocessing.TimeoutError, TimeoutError):
    """A task took longer than the timeout of its call; the message names the task."""


class WorkerLostError(FanfoldError, BrokenProcessPool):
    """A worker ended while it ran a task; the message names the task and the signal or exit code.

    Attributes
    ----------
    task_index : int or None
        The number of the task that was running, counted from 0 within its call.
    exit_code : int or None
        The worker's exit code, or minus the number of the signal that ended it.
    """

    def __init__(
        self, message: str, *, task_index: int | None = None, exit_code: int | None = None
    ) -> None:
        super().__init__(message)
        self.task_index = task_index
        self.exit_code = exit_code

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle with the attributes, which are keyword arguments."""
        state = {"task_index": self.task_index, "exit_code": self.exit_code}
        return type(self), self.args, state
