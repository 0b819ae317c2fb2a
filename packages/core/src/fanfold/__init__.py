"""fanfold: fan out the work, fold in the results.

`Parallel` runs many calls at once, on this machine or on a cluster; `Memory` keeps results on disk
or in a bucket; `dump` and `load` keep objects in files. Code written for joblib runs with
``fanfold`` in the place of ``joblib`` in its imports.

The names are loaded on first use, so importing this costs next to nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .compat import wrap_non_picklable_objects
    from .hashing import hash, register_hasher
    from .memory import (
        MemorizedResult,
        Memory,
        expires_after,
        register_store_backend,
    )
    from .parallel import (
        Parallel,
        Retry,
        TaskFailure,
        cpu_count,
        delayed,
        effective_n_jobs,
        parallel_backend,
        parallel_config,
        register_parallel_backend,
    )
    from .persistence import dump, load, register_compressor
    from .plugins import register_hooks, unregister_hooks
    from .sharing import shared_array, shared_like
    from .tasks.running import run_batch
    from .tasks.seeding import task_random, task_rng
    from .tasks.shared_objects import Shared, share

__all__ = [
    "MemorizedResult",
    "Memory",
    "Parallel",
    "Retry",
    "Shared",
    "TaskFailure",
    "cpu_count",
    "delayed",
    "dump",
    "effective_n_jobs",
    "expires_after",
    "hash",
    "load",
    "parallel_backend",
    "parallel_config",
    "register_compressor",
    "register_hasher",
    "register_hooks",
    "register_parallel_backend",
    "register_store_backend",
    "run_batch",
    "share",
    "shared_array",
    "shared_like",
    "task_random",
    "task_rng",
    "unregister_hooks",
    "wrap_non_picklable_objects",
]

_HOMES = {
    "compat": ("wrap_non_picklable_objects",),
    "hashing": ("hash", "register_hasher"),
    "memory": ("MemorizedResult", "Memory", "expires_after", "register_store_backend"),
    "parallel": (
        "Parallel",
        "Retry",
        "TaskFailure",
        "cpu_count",
        "delayed",
        "effective_n_jobs",
        "parallel_backend",
        "parallel_config",
        "register_parallel_backend",
    ),
    "persistence": ("dump", "load", "register_compressor"),
    "plugins": ("register_hooks", "unregister_hooks"),
    "sharing": ("shared_array", "shared_like"),
    "tasks.running": ("run_batch",),
    "tasks.seeding": ("task_random", "task_rng"),
    "tasks.shared_objects": ("Shared", "share"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from ._version import __version__

        return __version__
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
