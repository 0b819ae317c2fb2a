"""A time limit for tasks on workers that nobody else ends: an exception raised in their thread.

It arrives when the thread next runs Python code. So what computes or waits inside of an extension
module goes on until that returns.
"""

from __future__ import annotations

import ctypes
from math import inf
from threading import Condition, Thread, get_ident
from time import monotonic

from ..errors import TaskTimeoutError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Function = Callable[..., object]

__all__ = ["TimeLimit"]


class _TimeIsUp(BaseException):
    """Is raised in the task; no ``Exception``, so that tasks that catch those do not go on."""


class TimeLimit:
    """Ends the tasks of one batch, in the thread that makes this, when they have had their time.

    Parameters
    ----------
    seconds : float
        How long one task may run.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._task_thread = get_ident()
        self._state = Condition()
        self._deadline = inf
        self._has_fired = False
        self._is_closed = False
        self._watcher = Thread(target=self._watch, name="fanfold-time-limit", daemon=True)
        self._watcher.start()

    def guard(self, function: Function) -> Function:
        """Return a function that runs this one, but no longer than it may."""

        def guarded(*args: object, **kwargs: object) -> object:
            try:
                self._begin()
                try:
                    return function(*args, **kwargs)
                finally:
                    self._end()
            except _TimeIsUp:
                raise TaskTimeoutError(
                    f"the task did not finish within task_timeout={self._seconds} seconds. Give it "
                    "more time, or find out what it waits for"
                ) from None

        return guarded

    def close(self) -> None:
        """End the watching."""
        with self._state:
            self._is_closed = True
            self._state.notify()
        self._watcher.join()

    def _begin(self) -> None:
        with self._state:
            self._has_fired = False
            self._deadline = monotonic() + self._seconds

    def _end(self) -> None:
        with self._state:
            self._deadline = inf
            if self._has_fired:
                _raise_in(self._task_thread, None)  # if it did not arrive, it must not any more

    def _watch(self) -> None:
        with self._state:
            while not self._is_closed:
                left = self._deadline - monotonic()
                if left <= 0:
                    self._deadline, self._has_fired = inf, True
                    _raise_in(self._task_thread, _TimeIsUp)
                # Nobody tells when a task begins: its time is not up before this.
                self._state.wait(min(max(left, 0.0) or self._seconds, self._seconds))


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Have an exception raised in a thread, or take back one that has not arrived."""
    argument = ctypes.py_object() if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), argument)
