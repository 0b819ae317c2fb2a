"""What a plugin author reads: the contracts of backends, stores and hooks.

A backend derives from :class:`Backend` and :class:`Executor`, a store from :class:`Store`. An
observer implements some of the functions of :mod:`fanfold.contracts.hooks`. Nothing else of fanfold
needs to be known; the suites in :mod:`fanfold.testing` tell whether a plugin keeps its contract.
"""

from .backend import Backend, BackendCapabilities, Batch, Executor, ExecutorRequest
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
    "Executor",
    "ExecutorRequest",
    "Piece",
    "Store",
    "StoreCapabilities",
    "StoreEntry",
    "check_key",
    "check_prefix",
    "is_key",
]
