"""Every error and warning that fanfold raises on purpose.

Each derives from :class:`FanfoldError` and from the type that code written for joblib already
catches, so ``except ValueError`` around an unknown backend or ``except PicklingError`` around an
unpicklable task keeps working.

:class:`TaskTimeoutError` and :class:`WorkerLostError` are made on first use, because their joblib
bases live in :mod:`multiprocessing`, which takes some 20 ms to import.
"""

from __future__ import annotations

from _pickle import PicklingError, UnpicklingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._late_errors import TaskTimeoutError, TerminatedWorkerError, WorkerLostError

__all__ = [
    "BackendUnavailableError",
    "BadSignatureError",
    "BrokenPluginError",
    "CacheMissError",
    "ContractVersionError",
    "CorruptFileError",
    "FanfoldError",
    "FanfoldWarning",
    "InitializerError",
    "InvalidArgumentError",
    "MissingExtraError",
    "PluginConflictError",
    "RemoteTaskError",
    "StoreError",
    "TaskTimeoutError",
    "TerminatedWorkerError",
    "UnencodableResultError",
    "UnhashableValueError",
    "UnknownPluginError",
    "UnpicklableTaskError",
    "UnreadableResultError",
    "UnsupportedOperationError",
    "UntrustedGlobalError",
    "WorkerLostError",
]


class FanfoldError(Exception):
    """Base of every error that fanfold raises on purpose."""


class FanfoldWarning(UserWarning):
    """Base of every warning that fanfold gives: something went on in a lesser way than asked."""


class InvalidArgumentError(FanfoldError, ValueError):
    """An argument has a value that is not among those it can take."""


class UnknownPluginError(FanfoldError, ValueError, TypeError):
    """No backend or store has the name, or the URL scheme, that was asked for.

    joblib raises a ``ValueError`` for an unknown backend and a ``TypeError`` for an unknown store.
    """


class MissingExtraError(FanfoldError, ImportError):
    """What was asked for lives in a distribution that is not installed."""


class BrokenPluginError(FanfoldError, ImportError):
    """An installed plugin could not be imported, or is not what its entry point promises."""


class ContractVersionError(FanfoldError, ImportError):
    """An installed plugin was written for another version of the contract."""


class PluginConflictError(FanfoldError, ValueError):
    """Two installed distributions claim one name."""


class UnsupportedOperationError(FanfoldError, NotImplementedError):
    """A plugin was asked for something that its capabilities do not declare."""


class BackendUnavailableError(FanfoldError, RuntimeError):
    """A backend cannot run here or now: its cluster, or a platform feature, is missing."""


class UnpicklableTaskError(FanfoldError, PicklingError):
    """A task, or one of its arguments, cannot be sent to a worker."""


class UnencodableResultError(FanfoldError, PicklingError):
    """A task ran, but what it returned cannot be sent back."""


class UnreadableResultError(FanfoldError, UnpicklingError):
    """A result arrived, but it cannot be rebuilt in the calling process."""


class RemoteTaskError(FanfoldError, RuntimeError):
    """A task raised an exception that cannot itself travel; its type and traceback are the text."""


class InitializerError(FanfoldError, RuntimeError):
    """What each worker was to run before its first task failed, so no task can run there."""


class StoreError(FanfoldError, OSError):
    """A store could not do what it was asked: unreachable, not writable, or full."""


class CacheMissError(FanfoldError, KeyError):
    """A cached result that was asked for by its key is not there, or not any more."""

    def __str__(self) -> str:
        """Return the message as written; ``KeyError`` would show its repr."""
        return str(self.args[0]) if self.args else ""


class CorruptFileError(FanfoldError, ValueError):
    """A file is not what its format demands: truncated, damaged, or of another kind."""


class BadSignatureError(CorruptFileError):
    """An entry of a cache is not signed, or not by a key that the reader has."""


class UntrustedGlobalError(FanfoldError, UnpicklingError):
    """A file would import something that ``trusted=`` does not list; nothing of it has run."""


class UnhashableValueError(FanfoldError, PicklingError):
    """A value has no hash by value; the message names the attribute at fault."""


class OfOneTask:
    """What errors tell that the system makes of one task.

    Attributes
    ----------
    task_index : int or None
        The number of the task, counted from 0 within its call; None where it is not known which of
        several it was.
    exit_code : int or None
        The worker's exit code, or minus the number of the signal that ended it.
    worker : str, int or None
        The worker's process, where that is known.
    peak_memory : int or None
        The most bytes it had used, where that is known.
    finished : sequence
        What the tasks before it in its batch returned, as far as that is known; for whoever sees to
        what is lost, who takes it.
    """

    def __init__(
        self,
        message: str = "",
        *,
        task_index: int | None = None,
        exit_code: int | None = None,
        worker: str | int | None = None,
        peak_memory: int | None = None,
    ) -> None:
        super().__init__(message)  # type: ignore[call-arg]  # of the exception it is mixed into
        self.task_index = task_index
        self.exit_code = exit_code
        self.worker = worker
        self.peak_memory = peak_memory
        self.finished: Sequence[object] = ()


def __getattr__(name: str) -> type[FanfoldError]:
    if name in ("TaskTimeoutError", "TerminatedWorkerError", "WorkerLostError"):
        from . import _late_errors

        error: type[FanfoldError] = getattr(_late_errors, name)
        globals()[name] = error
        return error
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
