"""Cached functions as methods."""

from __future__ import annotations

from types import MethodType
from typing import TYPE_CHECKING, Any

from ..contracts.lookup import offered_finder
from ..hashing import register_hasher

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..contracts.lookup import Finder
    from ._explaining import Explanation


class CachedMethod:
    """A cached function of a class, seen through an instance, which becomes its first argument.

    The instance is part of the key, by value, unless the function was cached with
    ``ignore=["self"]``. The methods are those of the cached function.
    """

    __slots__ = ("_cached", "_instance")

    def __init__(self, cached: Any, instance: object) -> None:
        self._cached = cached
        self._instance = instance

    @property
    def func(self) -> Callable[..., Any]:
        """The method that is not cached."""
        return MethodType(self._cached.func, self._instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the result, from the cache if it is there."""
        return self._cached(self._instance, *args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Run the method and keep its result; see :meth:`MemorizedFunc.call`."""
        return self._cached.call(self._instance, *args, **kwargs)

    def call_and_shelve(self, *args: Any, **kwargs: Any) -> Any:
        """Return a reference to the result; see :meth:`MemorizedFunc.call_and_shelve`."""
        return self._cached.call_and_shelve(self._instance, *args, **kwargs)

    def check_call_in_cache(self, *args: Any, **kwargs: Any) -> bool:
        """Return whether a call would find its result."""
        found: bool = self._cached.check_call_in_cache(self._instance, *args, **kwargs)
        return found

    def explain(self, *args: Any, **kwargs: Any) -> Explanation:
        """Return whether a call would find its result; see :meth:`MemorizedFunc.explain`."""
        explanation: Explanation = self._cached.explain(self._instance, *args, **kwargs)
        return explanation

    def put(
        self, args: Sequence[Any], value: object, kwargs: Mapping[str, Any] | None = None
    ) -> None:
        """Keep `value` as what such a call returns; see :meth:`MemorizedFunc.put`."""
        self._cached.put((self._instance, *args), value, kwargs)

    def invalidate(self, *args: Any, **kwargs: Any) -> bool:
        """Remove the result of a call; see :meth:`MemorizedFunc.invalidate`."""
        removed: bool = self._cached.invalidate(self._instance, *args, **kwargs)
        return removed

    def clear(self, warn: bool = True) -> None:
        """Remove the method's results, those of all instances."""
        self._cached.clear(warn)

    def __fanfold_find_results__(
        self, method: str, first_args: tuple[object, ...], *, counts_misses: bool
    ) -> Finder | None:
        """Return what looks up the results of calls that ``Parallel`` is about to send."""
        first_args = (self._instance, *first_args)
        return offered_finder(self._cached, method, first_args, counts_misses=counts_misses)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(func={self.func!r})"

    def _repr_html_(self) -> str:
        shown: str = self._cached._repr_html_()
        return shown


def _hashed(method: CachedMethod) -> object:
    return method.func


register_hasher(CachedMethod, _hashed)
