"""The errors whose joblib bases pull in multiprocessing; reached through :mod:`fanfold.errors`."""

from __future__ import annotations

import multiprocessing
from concurrent.futures.process import BrokenProcessPool

from .errors import FanfoldError, OfOneTask


class TaskTimeoutError(OfOneTask, FanfoldError, multiprocessing.TimeoutError, TimeoutError):
    """A task took longer than it may; the message names the task.

    It has the attributes of :class:`WorkerLostError`.
    """


class WorkerLostError(OfOneTask, FanfoldError, BrokenProcessPool):
    """A worker ended while it ran a task; the message names the task and the signal or exit code.

    joblib's name for it, ``TerminatedWorkerError``, is an alias.

    Attributes
    ----------
    task_index : int or None
        The number of the task that was running, counted from 0 within its call; None where it is
        not known which of several it was.
    exit_code : int or None
        The worker's exit code, or minus the number of the signal that ended it.
    worker : str, int or None
        The worker's process, where that is known.
    peak_memory : int or None
        The most bytes it had used, where that is known.
    """


TerminatedWorkerError = WorkerLostError
