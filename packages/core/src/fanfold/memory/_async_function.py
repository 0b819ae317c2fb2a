"""Cached coroutine functions."""

from __future__ import annotations

from functools import partial
from types import FunctionType, MethodType
from typing import Any

from ._base import P, R
from ._entries import MISSING
from ._memorized import Memorized
from ._result import MemorizedResult

_COROUTINE = 0x80 | 0x100  # flags of the code of `async def` and of `types.coroutine`


class AsyncMemorizedFunc(Memorized[P, R]):
    """A coroutine function that looks for its result in the cache before it runs.

    Called and awaited like the function. What is kept is what awaiting it gives; it is awaited only
    where that is not in the cache. The store is read and written in the event loop's thread.
    """

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return the result, from the cache if it is there; see :meth:`MemorizedFunc.__call__`."""
        key = self._key(args, kwargs)
        result: R = self._find(key)
        if result is not MISSING:
            return result
        async with self._turn(key) as turn:
            result = turn.found
            if result is MISSING:
                self._note_miss(key)
                run = self._begin(key, args, kwargs)
                result, _ = self._keep(run, await self.func(*args, **kwargs), turn)
        return result

    async def call(self, *args: P.args, **kwargs: P.kwargs) -> tuple[R, dict[str, Any]]:
        """Run the function whatever is in the cache; see :meth:`MemorizedFunc.call`."""
        run = self._begin(self._key(args, kwargs), args, kwargs)
        return self._keep(run, await self.func(*args, **kwargs))

    async def call_and_shelve(self, *args: P.args, **kwargs: P.kwargs) -> MemorizedResult[R]:
        """Return a reference to the result; see :meth:`MemorizedFunc.call_and_shelve`."""
        key = self._key(args, kwargs)
        reference = self._find_reference(key)
        if reference is not None:
            return reference
        async with self._turn_to_shelve(key) as turn:
            reference = turn.found
            if reference is None:
                self._note_miss(key)
                run = self._begin(key, args, kwargs)
                reference = self._shelve(run, await self.func(*args, **kwargs), turn)
        return reference


def is_coroutine_function(function: object) -> bool:
    """Tell whether calling `function` gives something to await.

    Like :func:`inspect.iscoroutinefunction`, without importing :mod:`inspect`, and for objects
    whose ``__call__`` is one, too.
    """
    while isinstance(function, (partial, MethodType)):
        function = function.func if isinstance(function, partial) else function.__func__
    if not isinstance(function, FunctionType):
        function = type(function).__call__ if callable(function) else None
    return isinstance(function, FunctionType) and bool(function.__code__.co_flags & _COROUTINE)
