"""What a worker runs once, before its first task of the calls that ask for it."""

from __future__ import annotations

from _pickle import loads
from _thread import RLock, _local
from collections import deque

from ...errors import InitializerError, UnpicklableTaskError
from ..naming import describe_call, function_name
from ..pickling import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["Initializer", "initialize_process"]


class Initializer:
    """A function that each worker calls once, as the caller's process knows it.

    Parameters
    ----------
    function : callable
        What to call.
    args : tuple
        With what.
    """

    def __init__(self, function: Callable[..., object], args: tuple[object, ...]) -> None:
        self._function = function
        self._args = args

    def encode(self) -> bytes:
        """Return it pickled, for :func:`initialize_process`.

        Raises
        ------
        fanfold.errors.UnpicklableTaskError
            If it cannot be pickled; the message names the part at fault.
        """
        try:
            return dumps((self._function, self._args))
        except Exception as error:
            from ..diagnosis import explain_unpicklable, find_unpicklable

            name = function_name(self._function)
            culprit = (
                explain_unpicklable(self._function, name)
                if find_unpicklable(self._function, name)
                else explain_unpicklable(self._args, "initargs")
            )
            raise UnpicklableTaskError(
                f"the initializer {name} cannot be sent to workers: {culprit}. Create it inside "
                "the initializer, or run where nothing is sent: backend='threads'"
            ) from error

    def initialize_thread(self) -> None:
        """Call it, unless this thread has called the same function with the same objects.

        Raises
        ------
        fanfold.errors.InitializerError
            If it raises something; the next call tries again.
        """
        done: deque[tuple[object, tuple[object, ...]]] | None = getattr(_thread, "done", None)
        if done is None:
            # Threads live long, and may not keep all that they were ever given.
            done = _thread.done = deque(maxlen=16)
        for function, args in done:
            if function == self._function and list(map(id, args)) == list(map(id, self._args)):
                return
        _call(self._function, self._args)
        done.append((self._function, self._args))


_thread = _local()


class _Done:
    """The initializers that this process has called, by their key."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._keys: set[bytes] = set()

    def call(self, encoded: bytes) -> None:
        key = encoded
        if len(encoded) > 1024:
            from xxhash import xxh3_128_digest

            key = xxh3_128_digest(encoded)
        # The other threads of an engine's worker wait until it has run.
        with self._lock:
            if key not in self._keys:
                _call(*_rebuild(encoded))
                self._keys.add(key)


_done = _Done()


def initialize_process(encoded: bytes) -> None:
    """Call an initializer, unless this process has.

    Raises
    ------
    fanfold.errors.InitializerError
        If it cannot be rebuilt, or raises something; the next batch tries again.
    """
    _done.call(encoded)


def _rebuild(encoded: bytes) -> tuple[Callable[..., object], tuple[object, ...]]:
    try:
        function, args = loads(encoded)
    except Exception as error:
        raise InitializerError(
            f"a worker could not rebuild the initializer: {type(error).__name__}: {error}. "
            "Whatever it refers to must be importable there, or defined in __main__"
        ) from error
    return function, args


def _call(function: Callable[..., object], args: tuple[Any, ...]) -> None:
    try:
        function(*args)
    except BaseException as error:
        raise InitializerError(
            f"the initializer {describe_call(function, args, {})} raised {type(error).__name__}: "
            f"{error}. No task of the call can run on this worker"
        ) from error
