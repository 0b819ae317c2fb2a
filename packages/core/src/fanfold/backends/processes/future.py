"""A future that is completed, and looked at, in one thread."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DrivenFuture"]


class DrivenFuture:
    """A future without locks: whoever waits for it drives what completes it.

    One of :mod:`concurrent.futures` takes 5 µs to make, complete and read, this one 0.6, of 30 for
    all of a small message.
    """

    __slots__ = ("_callbacks", "_error", "_is_done", "_result")

    def __init__(self) -> None:
        self._is_done = False
        self._callbacks: tuple[Callable[[DrivenFuture], object], ...] = ()
        self._result: object = None
        self._error: BaseException | None = None

    def add_done_callback(self, fn: Callable[[DrivenFuture], object], /) -> None:
        """Call `fn` with this future when it is complete, or at once if it is."""
        if self._is_done:
            fn(self)
        else:
            self._callbacks += (fn,)

    def result(self) -> object:
        """Return what it was completed with, or raise the exception."""
        if self._error is not None:
            raise self._error
        return self._result

    def set_result(self, result: object) -> None:
        """Complete it."""
        self._result = result
        self._is_done = True
        for callback in self._callbacks:
            callback(self)

    def set_exception(self, error: BaseException) -> None:
        """Complete it with what keeps it from having a result."""
        self._error = error
        self._is_done = True
        for callback in self._callbacks:
            callback(self)
