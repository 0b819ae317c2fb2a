"""TaskFailure: what takes the place of a result that there is none of."""

from __future__ import annotations

from _pickle import dumps, loads

from ..errors import RemoteTaskError
from ..tasks.outcomes import RemoteTraceback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

__all__ = ["TaskFailure"]


class TaskFailure:
    """A task that failed, in the place of its result, where ``on_error="return"`` asks for that.

    It is no exception and never raises by itself. Like any object it is true, so tell results from
    failures with ``isinstance(result, TaskFailure)``. It can be pickled, whatever the exception.

    Attributes
    ----------
    exception : Exception
        What the last attempt raised. Its ``__cause__`` shows where; it holds no frames, so nothing
        that the task used is kept alive.
    traceback : str
        Where it was raised, as text.
    index : int
        The number of the task, counted from 0 within its call.
    function : str
        The name of the task's function.
    arguments : str
        Its arguments, shortened.
    attempts : int
        How often it was tried.
    worker : str, int or None
        Who ran it last: the number of a process, with its host where that may be another, or the
        name of a thread; None where it is not known.
    exit_code : int or None
        The exit code of a worker that was lost, or minus the number of the signal that ended it.
    peak_memory : int or None
        The most bytes that the worker's process had used by then, where that is known.

    Examples
    --------
    >>> from fanfold import Parallel, delayed
    >>> good, failed = Parallel(n_jobs=2, on_error="return")(delayed(int)(x) for x in ("1", "one"))
    >>> failed.index, failed.function, failed.arguments, type(failed.exception).__name__
    (1, 'int', "'one'", 'ValueError')
    """

    def __init__(
        self,
        exception: Exception,
        traceback: str,
        *,
        index: int,
        function: str,
        arguments: str,
        attempts: int = 1,
        worker: str | int | None = None,
        exit_code: int | None = None,
        peak_memory: int | None = None,
    ) -> None:
        self.exception = exception
        self.traceback = traceback
        self.index = index
        self.function = function
        self.arguments = arguments
        self.attempts = attempts
        self.worker = worker
        self.exit_code = exit_code
        self.peak_memory = peak_memory

    @property
    def signal(self) -> str | None:
        """The name of the signal that ended the worker, such as ``"SIGKILL"``, if one did."""
        if self.exit_code is None or self.exit_code >= 0:
            return None
        import signal

        try:
            return signal.Signals(-self.exit_code).name
        except ValueError:
            return f"signal {-self.exit_code}"

    def reraise(self) -> NoReturn:
        """Raise the exception, as ``on_error="raise"`` would have done."""
        raise self.exception.with_traceback(None)

    def __repr__(self) -> str:
        attempts = "" if self.attempts == 1 else f" after {self.attempts} attempts"
        return (
            f"<TaskFailure of task {self.index}: {self.function}({self.arguments}){attempts}: "
            f"{type(self.exception).__name__}: {_first_line(self.exception)}>"
        )

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(
            f"<tr><th>{name}</th><td>{escape(str(value))}</td></tr>"
            for name, value in self._facts().items()
            if value is not None
        )
        return (
            f"<table>{rows}</table>"
            f"<details><summary>traceback</summary><pre>{escape(self.traceback)}</pre></details>"
        )

    def _facts(self) -> dict[str, object]:
        peak = self.peak_memory
        return {
            "task": self.index,
            "call": f"{self.function}({self.arguments})",
            "exception": f"{type(self.exception).__name__}: {self.exception}",
            "attempts": self.attempts,
            "worker": self.worker,
            "ended by": self.signal or self.exit_code,
            "peak memory": None if peak is None else f"{peak / 2**20:.0f} MB",
        }

    def __reduce__(self) -> tuple[Any, ...]:
        facts = dict(vars(self))
        facts["exception"] = _travelling(self.exception)
        return _rebuild, (facts,)


def _rebuild(facts: dict[str, Any]) -> TaskFailure:
    failure = TaskFailure(**facts)
    failure.exception.__cause__ = RemoteTraceback(failure.traceback)  # pickles hold no causes
    return failure


def _travelling(exception: Exception) -> Exception:
    """Return an exception that can be pickled: itself, or its text."""
    try:
        loads(dumps(exception))
    except Exception as error:  # noqa: BLE001  an exception may hold anything
        return RemoteTaskError(
            f"{type(exception).__name__}: {exception} (the exception itself cannot be pickled: "
            f"{error})"
        )
    return exception


def _first_line(exception: Exception) -> str:
    line = str(exception).partition("\n")[0]
    return line if len(line) <= 100 else f"{line[:99]}…"
