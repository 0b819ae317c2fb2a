"""What a plugin author reads: the contracts of backends, stores and hooks.

A backend derives from :class:`Backend` and :class:`Executor` (or from :class:`BoundedExecutor`, if
its engine would run at once all that it is given), a store from :class:`Store`. An observer
implements some of the functions of :mod:`fanfold.contracts.hooks`. Nothing else of fanfold needs to
be known; the suites in :mod:`fanfold.testing` tell whether a plugin keeps its contract.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .._cpu import resolve_n_jobs
    from .backend import Backend, BackendCapabilities, Batch, Executor, ExecutorRequest
    from .bounded import BoundedExecutor
    from .future import BatchFuture
    from .store import (
        Piece,
        Store,
        StoreCapabilities,
        StoreEntry,
        check_key,
        check_prefix,
        is_key,
    )

__all__ = [
    "Backend",
    "BackendCapabilities",
    "Batch",
    "BatchFuture",
    "BoundedExecutor",
    "Executor",
    "ExecutorRequest",
    "Piece",
    "Store",
    "StoreCapabilities",
    "StoreEntry",
    "check_key",
    "check_prefix",
    "is_key",
    "resolve_n_jobs",
]

_HOMES = {
    ".backend": ("Backend", "BackendCapabilities", "Batch", "Executor", "ExecutorRequest"),
    ".bounded": ("BoundedExecutor",),
    ".future": ("BatchFuture",),
    ".store": (
        "Piece",
        "Store",
        "StoreCapabilities",
        "StoreEntry",
        "check_key",
        "check_prefix",
        "is_key",
    ),
    ".._cpu": ("resolve_n_jobs",),
}


def __getattr__(name: str) -> object:
    # On first use, so that who runs tasks does not import what keeps results.
    for home, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            value: object = getattr(import_module(home, __name__), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
