"""The registry of backends."""

from __future__ import annotations

from ._registry import Registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contracts.backend import Backend

_PROCESSES = "fanfold.backends.processes:ProcessesBackend"
_THREADS = "fanfold.backends.threads:ThreadsBackend"

backends: Registry[Backend] = Registry(
    kind="backend",
    family="fanfold.backends",
    version=1,
    contract="fanfold.contracts:Backend",
    built_in={
        "processes": _PROCESSES,
        "loky": _PROCESSES,
        "multiprocessing": _PROCESSES,
        "threads": _THREADS,
        "threading": _THREADS,
        "sequential": "fanfold.backends.sequential:SequentialBackend",
        "interpreters": "fanfold.backends.interpreters:InterpretersBackend",
    },
    extras={"dask": "fanfold[dask]", "ray": "fanfold[ray]"},
)
