"""How many threads the numeric libraries in a worker may use: by environment variables."""

from __future__ import annotations

import os

__all__ = ["THREAD_VARIABLES", "thread_settings"]

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
"""What OpenMP, the BLAS libraries, numba and numexpr read when they are loaded."""


def thread_settings(asked: int | None, n_workers: int, n_cpus: int) -> dict[str, str]:
    """Return the environment variables that a worker gets beside its parent's.

    Parameters
    ----------
    asked : int or None
        What the user asked for; it goes before what the environment says.
    n_workers : int
        How many workers run at once. Where nobody says anything, they share the CPUs evenly.
    n_cpus : int
        How many CPUs there are.

    Examples
    --------
    >>> thread_settings(3, n_workers=2, n_cpus=8)["OMP_NUM_THREADS"]
    '3'
    """
    if asked is not None:
        return dict.fromkeys(THREAD_VARIABLES, str(asked))
    share = str(max(1, n_cpus // n_workers))
    return {name: share for name in THREAD_VARIABLES if name not in os.environ}
