"""Parallel: many calls at once, on whatever backend is chosen.

- ``_parallel.py``: the class that users call.
- ``_arguments.py``: what its arguments can be.
- ``_call.py``: one call while it runs, the thin layer that acts.
- ``_dispatcher.py``, ``_sizing.py``, ``_window.py``, ``_expression.py``: what decides; pure.
- ``_policy.py``, ``_retry.py``, ``_failure.py``: what becomes of a task that failed; pure.
- ``_recovery.py``, ``_requeue.py``: what is run again.
- ``_feeding.py``: tasks become batches.
- ``_configuration.py``, ``_defaults.py``, ``_resolve.py``: which backend, and how many workers.
- ``_observing.py``, ``_progress.py``: who is told.
"""

from .._cpu import cpu_count
from ._configuration import parallel_backend, parallel_config
from ._delayed import delayed
from ._failure import TaskFailure
from ._parallel import Parallel
from ._registering import register_parallel_backend
from ._resolve import effective_n_jobs
from ._retry import Retry

__all__ = [
    "Parallel",
    "Retry",
    "TaskFailure",
    "cpu_count",
    "delayed",
    "effective_n_jobs",
    "parallel_backend",
    "parallel_config",
    "register_parallel_backend",
]
