"""Functions under a :class:`Memory` that keeps nothing: they cost no more than the call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._base import CachedFunction, P, R
from ._explaining import Explanation
from ._key import function_name
from ._pickling import reduce_cached
from ._result import NotMemorizedResult
from ._showing import html_table
from ._summary import summarize_call

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Unmemorized(CachedFunction[P, R]):
    """What synchronous and asynchronous functions that are not cached have in common."""

    def check_call_in_cache(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Return False: nothing is kept."""
        return False

    def explain(self, *args: P.args, **kwargs: P.kwargs) -> Explanation:
        """Tell that nothing is kept."""
        call = summarize_call(function_name(self.func), args, kwargs)
        return Explanation(call, "", False, "nothing is kept: the Memory has no location")

    def put(
        self, args: Sequence[Any], value: object, kwargs: Mapping[str, Any] | None = None
    ) -> None:
        """Do nothing: nothing is kept."""

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Return False: nothing is kept."""
        return False

    def clear(self, warn: bool = True) -> None:
        """Do nothing: nothing is kept."""

    def _repr_html_(self) -> str:
        rows = [("function", function_name(self.func)), ("results", "none are kept")]
        return html_table((), rows)

    def __reduce__(self) -> tuple[Any, ...]:
        return reduce_cached(self)


class NotMemorizedFunc(Unmemorized[P, R]):
    """A function with the methods of :class:`MemorizedFunc`, which keeps nothing."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function."""
        result: R = self.func(*args, **kwargs)
        return result

    def call(self, *args: P.args, **kwargs: P.kwargs) -> tuple[R, dict[str, Any]]:
        """Call the function and return its result with no metadata."""
        return self.func(*args, **kwargs), {}

    def call_and_shelve(self, *args: P.args, **kwargs: P.kwargs) -> NotMemorizedResult[R]:
        """Call the function and return its result in a :class:`NotMemorizedResult`."""
        return NotMemorizedResult(self.func(*args, **kwargs))


class AsyncNotMemorizedFunc(Unmemorized[P, R]):
    """A coroutine function with the methods of :class:`AsyncMemorizedFunc`, which keeps nothing."""

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function and await it."""
        result: R = await self.func(*args, **kwargs)
        return result

    async def call(self, *args: P.args, **kwargs: P.kwargs) -> tuple[R, dict[str, Any]]:
        """Await the function and return its result with no metadata."""
        return await self.func(*args, **kwargs), {}

    async def call_and_shelve(self, *args: P.args, **kwargs: P.kwargs) -> NotMemorizedResult[R]:
        """Await the function and return its result in a :class:`NotMemorizedResult`."""
        return NotMemorizedResult(await self.func(*args, **kwargs))
