"""A time limit for tasks on workers that nobody else ends: an exception raised in their thread.

It arrives when the thread next runs Python code. So what computes or waits inside of an extension
module goes on until that returns.
"""

from __future__ import annotations

import _thread
import ctypes
from threading import Lock, Thread, get_ident
from time import monotonic

from ..errors import TaskTimeoutError
from .terms import FOREVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Function = Callable[..., object]

__all__ = ["TimeLimit"]

_STEPS = 100
"""More steps than an exception takes to arrive that was asked for before them: one."""


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
        # Plain locks, because the exception may arrive at any step in Python: one that came within
        # a lock's own code, as that of a Condition, would leave it locked for ever.
        self._state = Lock()
        self._open = Lock()
        self._open.acquire()
        self._deadline = FOREVER
        self._has_fired = False
        # A task that never ends must not keep its process from ending; interpreters within a
        # process may not have such threads, and wait for their tasks anyway.
        may_be_daemon = getattr(_thread, "daemon_threads_allowed", lambda: True)()
        self._watcher = Thread(target=self._watch, name="fanfold-time-limit", daemon=may_be_daemon)
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
        self._open.release()
        self._watcher.join()

    def _begin(self) -> None:
        with self._state:
            self._has_fired = False
            self._deadline = monotonic() + self._seconds

    def _end(self) -> None:
        with self._state:
            self._deadline = FOREVER
            has_fired = self._has_fired
        if has_fired:
            # If it has not arrived, it does so here. To take it back would leave the interpreter
            # looking for it for ever: with a trace function, CPython 3.11 then never goes on.
            for _ in range(_STEPS):
                pass

    def _watch(self) -> None:
        left = self._seconds
        # Nobody tells when a task begins: its time is not up before this.
        while not self._open.acquire(timeout=left):
            with self._state:
                left = self._deadline - monotonic()
                if left <= 0:
                    self._deadline, self._has_fired = FOREVER, True
                    _raise_in(self._task_thread, _TimeIsUp)
            left = min(left, self._seconds) if left > 0 else self._seconds


def _raise_in(thread: int, error: type[BaseException]) -> None:
    """Have an exception raised in a thread, at its next step."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))
