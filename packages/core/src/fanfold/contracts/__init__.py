"""What a plugin author reads: the contracts of backends, stores and hooks.

A backend derives from :class:`Backend` and :class:`Executor` (or from :class:`BoundedExecutor`, if
its engine would run at once all that it is given), a store from :class:`Store`. An observer
implements some of the functions of :mod:`fanfold.contracts.hooks`. Nothing else of fanfold needs to
be known; the suites in :mod:`fanfold.testing` tell whether a plugin keeps its contract.
"""

from .._cpu import resolve_n_jobs
from .backend import (
    Backend,
    BackendCapabilities,
    Batch,
    BatchFuture,
    Executor,
    ExecutorRequest,
)
from .bounded import BoundedExecutor
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
