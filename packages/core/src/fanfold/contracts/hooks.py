"""The hooks: what an observer may be told of calls, batches, workers and caches.

An observer is any object (a module, an instance) with some of these functions, each marked with
:data:`hookimpl`; it takes just those arguments that it names. It is put to work with
``fanfold.register_hooks(observer)``, or by name from the entry-point group ``fanfold.hooks.v1``
with the environment variable ``FANFOLD_HOOKS=name,name``. Hooks run in the process that made the
call, never on a worker, and cost nothing where nobody observes.

An exception in an observer is logged and does not disturb the call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PROJECT_NAME", "HookSpecifications", "hookimpl"]

PROJECT_NAME = "fanfold"

hookspec = pluggy.HookspecMarker(PROJECT_NAME)
hookimpl = pluggy.HookimplMarker(PROJECT_NAME)
"""Marks a function of an observer as the implementation of the hook of its name."""


class HookSpecifications:
    """The hooks that fanfold calls."""

    @hookspec
    def fanfold_call_started(
        self, call_id: int, backend: str, n_jobs: int, total: int | None
    ) -> None:
        """Tell that a call of ``Parallel`` begins.

        Parameters
        ----------
        call_id : int
            A number that is unique within the process; the later hooks of the call carry it too.
        backend : str
            The backend's name.
        n_jobs : int
            How many batches may run at once.
        total : int or None
            The number of tasks, where it is known beforehand.
        """

    @hookspec
    def fanfold_batch_finished(
        self, call_id: int, first_task: int, n_tasks: int, n_failed: int, seconds: float
    ) -> None:
        """Tell that a batch's outcome arrived.

        Parameters
        ----------
        call_id : int
            The call.
        first_task : int
            The number of the batch's first task.
        n_tasks : int
            How many of its tasks ran.
        n_failed : int
            How many of these raised an exception.
        seconds : float
            How long they took together, as measured by the worker.
        """

    @hookspec
    def fanfold_call_finished(
        self, call_id: int, n_tasks: int, seconds: float, error: BaseException | None
    ) -> None:
        """Tell that a call ended.

        Parameters
        ----------
        call_id : int
            The call.
        n_tasks : int
            How many tasks ran.
        seconds : float
            Wall-clock time since it began.
        error : BaseException or None
            What ended it early.
        """

    @hookspec
    def fanfold_task_failed(
        self,
        call_id: int,
        index: int,
        error: BaseException,
        attempts: int,
        retry_in: float | None,
    ) -> None:
        """Tell that an attempt of a task failed.

        Parameters
        ----------
        call_id : int
            The call.
        index : int
            The number of the task within its call.
        error : BaseException
            What it raised; also that its worker was lost, or that it took too long.
        attempts : int
            How often it has been tried.
        retry_in : float or None
            After how many seconds it is tried again; None if this was its last attempt.
        """

    @hookspec
    def fanfold_worker_lost(self, call_id: int, error: BaseException) -> None:
        """Tell that a worker ended while it ran a task of the call; the error names the task."""

    @hookspec
    def fanfold_cache_event(
        self, event: str, function: str, key: str, details: Mapping[str, object]
    ) -> None:
        """Tell what a cache did.

        Parameters
        ----------
        event : str
            ``"hit"``, ``"miss"``, ``"stored"``, ``"not_stored"``, ``"damaged"``, ``"refused"`` (not
            signed as it should be) or ``"evicted"``.
        function : str
            The cached function's qualified name.
        key : str
            The entry's key.
        details : mapping
            What else is known, such as ``seconds`` or ``nbytes``.
        """
