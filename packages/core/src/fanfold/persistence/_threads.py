"""Blocks are compressed and decompressed on several threads: the libraries release the GIL."""

from __future__ import annotations

from collections import deque
from typing import Generic, ParamSpec, TypeVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future, ThreadPoolExecutor

__all__ = ["OrderedCalls"]

_ALONE = 3  # calls that the caller's thread makes itself, before threads are worth their start
_MOST_THREADS = 8  # since twice as many blocks are in memory

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class OrderedCalls(Generic[Parameters, Result]):
    """Calls of one function on threads, whose results come in the order of the calls.

    A few calls are made by the caller's own thread, and all of them where this code may use only
    one CPU, as in most tasks of a parallel call.

    Parameters
    ----------
    function : callable
        It may be called by many threads at once.
    """

    def __init__(self, function: Callable[Parameters, Result]) -> None:
        self._function = function
        self._n_calls = 0
        self._n_threads = 1
        self._pool: ThreadPoolExecutor | None = None
        self._running: deque[Future[Result]] = deque()

    def put(self, *arguments: Parameters.args, **named: Parameters.kwargs) -> Iterator[Result]:
        """Make or begin a call, and iterate over results that are due; it must be exhausted."""
        self._n_calls += 1
        if self._n_calls <= _ALONE:
            yield self._function(*arguments, **named)
            return
        if self._n_calls == _ALONE + 1:
            self._start_threads()
        if self._pool is None:
            yield self._function(*arguments, **named)
            return
        self._running.append(self._pool.submit(self._function, *arguments, **named))
        if len(self._running) > 2 * self._n_threads:
            yield self._running.popleft().result()

    def rest(self) -> Iterator[Result]:
        """Iterate over the results that have not come yet."""
        while self._running:
            yield self._running.popleft().result()

    def close(self) -> None:
        """End the threads; calls that have not begun are not made any more."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _start_threads(self) -> None:
        from .._cpu import cpu_count

        self._n_threads = min(cpu_count(), _MOST_THREADS)
        if self._n_threads > 1:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(self._n_threads, "fanfold-compression")
