"""What all cached functions are, whether they keep anything or not."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import update_wrapper
from types import FunctionType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast, overload

from ..errors import InvalidArgumentError
from ..hashing import Tagged, register_hasher

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from ._method import CachedMethod

P = ParamSpec("P")
R = TypeVar("R")


class CachedFunction(ABC, Generic[P, R]):
    """A function together with what :meth:`Memory.cache` adds to it.

    Attributes
    ----------
    func : callable
        The function itself.
    version : str, int or None
        What it is pinned by.
    """

    func: Callable[P, Any]
    version: str | int | None = None
    __name__: str
    __qualname__: str

    def __init__(self, func: Callable[P, Any]) -> None:
        if not callable(func):
            raise InvalidArgumentError(
                f"cannot cache {func!r}: expected a function, or something else that can be called"
            )
        # First, since a function may have attributes of any name.
        update_wrapper(cast("Callable[..., object]", self), func)
        self.func = func

    @abstractmethod
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Return what the function returns."""

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type | None = None) -> CachedMethod: ...
    def __get__(self, instance: object, owner: type | None = None) -> Self | CachedMethod:
        """Return it as a method of `instance`, where it stands for a function of a class."""
        if instance is None or not isinstance(self.func, FunctionType):
            return self
        from ._method import CachedMethod

        return CachedMethod(self, instance)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(func={self.func!r})"


def _hashed(cached: CachedFunction[..., Any]) -> Tagged:
    """Return what counts where a cached function is an argument, or is used by another function.

    That is the function itself: it returns the same whether, where and how it is cached. Where it
    is pinned, it is the version.
    """
    if cached.version is not None:
        return Tagged("fanfold.CachedFunction", (cached.__qualname__, cached.version))
    return Tagged("fanfold.CachedFunction", cached.func)


register_hasher(CachedFunction, _hashed)
