"""How cached functions travel to other processes."""

from __future__ import annotations

import sys
from importlib import import_module
from operator import attrgetter
from typing import Any

from ._base import CachedFunction


def reduce_cached(cached: CachedFunction[..., Any], *settings: object) -> tuple[Any, ...]:
    """Return how to rebuild a cached function from its function and settings.

    Where a decorator has put it under the function's own name, pickle cannot find the function by
    that name. It finds the cached function, though, which knows it.
    """
    module = getattr(cached, "__module__", None)
    path = getattr(cached, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(path, str):
        return type(cached), (cached.func, *settings)
    # A worker does not have this process's __main__: from there, the function itself travels.
    if module == "__main__" or _found(sys.modules.get(module), path) is not cached:
        return type(cached), (cached.func, *settings)
    return _rebuild, (type(cached), module, path, settings)


def _rebuild(
    kind: type[CachedFunction[..., Any]], module: str, path: str, settings: tuple[Any, ...]
) -> CachedFunction[..., Any]:
    """Return what :func:`reduce_cached` was given, with the settings it had there."""
    named = attrgetter(path)(import_module(module))
    return kind(named.func if isinstance(named, CachedFunction) else named, *settings)


def _found(module: object, path: str) -> object:
    found = module
    for name in path.split("."):
        found = getattr(found, name, None)
    return found
