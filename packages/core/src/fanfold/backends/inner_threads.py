"""How many threads the numeric libraries inside tasks may use, and how they are told.

Workers that are processes are told by environment variables, which every library reads when it is
loaded. In the calling process the libraries are loaded already: threadpoolctl reaches BLAS and
OpenMP there, where it is installed.
"""

from __future__ import annotations

import os
import sys
import threading
from functools import cached_property
from importlib.machinery import PathFinder

from .._nesting import nesting
from ..errors import MissingExtraError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container
    from typing import Any

__all__ = [
    "THREAD_VARIABLES",
    "ThreadLimit",
    "can_limit_threads",
    "limit_as_asked",
    "limit_to_share",
    "thread_settings",
]

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

_KEYS = {name: os.environ.encodekey(name) for name in THREAD_VARIABLES}

_BRING_THREADS = ("numpy", "torch")
"""What threadpoolctl can limit comes into Python with one of these."""


def thread_settings(asked: int | None, share: int) -> dict[str, str]:
    """Return the environment variables that a worker process gets beside its parent's.

    Parameters
    ----------
    asked : int or None
        What the user asked for; it goes before what the environment says.
    share : int
        How many CPUs each worker may use.

    Examples
    --------
    >>> thread_settings(3, share=2)["OMP_NUM_THREADS"]
    '3'
    """
    if asked is not None:
        return dict.fromkeys(THREAD_VARIABLES, str(asked))
    # Asking os.environ itself takes 1 µs for each that is not there, in every call.
    laid_down: Container[object] = os.environ._data  # type: ignore[attr-defined]  # not public
    each = str(share)
    return {name: each for name, key in _KEYS.items() if key not in laid_down}


def limit_as_asked(asked: int) -> ThreadLimit:
    """Return what gives the libraries in this process as many threads as the user asked for.

    Raises
    ------
    fanfold.errors.MissingExtraError
        If threadpoolctl is not installed.
    """
    if not can_limit_threads():
        raise MissingExtraError(
            f"inner_max_num_threads={asked} needs threadpoolctl to limit the threads of numeric "
            "libraries in this process, and it is not installed: pip install "
            '"fanfold[threads]", or use backend="processes"'
        )
    return ThreadLimit(asked, may_raise=True)


def limit_to_share(share: int) -> ThreadLimit | None:
    """Return what keeps the libraries in this process within the share of a task, or None.

    It only ever lowers, and only where threadpoolctl is installed, a library is there, and the user
    has not said by environment variables how many threads to use. Within a task these are what its
    worker was told, and not the user's word.

    Parameters
    ----------
    share : int
        How many CPUs each task may use.
    """
    if not any(name in sys.modules for name in _BRING_THREADS) or not can_limit_threads():
        return None
    if nesting.get()[0] == 0 and any(name in os.environ for name in THREAD_VARIABLES):
        return None
    return ThreadLimit(share, may_raise=False)


def can_limit_threads() -> bool:
    """Tell whether threadpoolctl is installed."""
    if "threadpoolctl" in sys.modules:
        return sys.modules["threadpoolctl"] is not None  # None forbids to import it
    return _libraries.can_be_limited


class ThreadLimit:
    """A limit on the threads of the numeric libraries in this process.

    Where several hold at once, the smallest counts. When the last one ends, each library has as
    many threads as before the first. OpenMP counts for each thread by itself, so a thread that runs
    tasks calls `hold_in_this_thread` too; others keep what they have.

    Parameters
    ----------
    n_threads : int
        How many threads each library may use.
    may_raise : bool
        Whether a library that uses fewer gets as many.
    """

    def __init__(self, n_threads: int, *, may_raise: bool) -> None:
        self.n_threads = n_threads
        self.may_raise = may_raise

    def hold(self) -> None:
        """Have it hold from now on."""
        _libraries.add(self)

    def release(self) -> None:
        """Have it hold no longer."""
        _libraries.remove(self)

    def hold_in_this_thread(self) -> HeldInThread:
        """Have it hold for what the calling thread computes, until that puts back what was."""
        return HeldInThread(self, _libraries.of_threads())

    def applied_to(self, before: int) -> int:
        """Return how many threads a library gets that used so many before."""
        return self.n_threads if self.may_raise else min(self.n_threads, before)


class HeldInThread:
    """A limit that holds for what one thread computes.

    Parameters
    ----------
    limit : ThreadLimit
        The limit.
    libraries : list
        Those whose limit is another in each thread.
    """

    def __init__(self, limit: ThreadLimit, libraries: list[Any]) -> None:
        self._before = [(library, library.num_threads) for library in libraries]
        for library, before in self._before:
            library.set_num_threads(limit.applied_to(before))

    def put_back(self) -> None:
        """Give the libraries as many threads as they had in this thread."""
        for library, before in self._before:
            library.set_num_threads(before)


class _Libraries:
    """The numeric libraries of this process, and the limits that hold for them now."""

    def __init__(self) -> None:
        self._reset()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._limits: list[ThreadLimit] = []
        self._before: dict[str, int] = {}
        self._found: list[Any] = []
        self._modules_seen = 0

    @cached_property
    def can_be_limited(self) -> bool:
        """Whether threadpoolctl is installed: looking for it takes longer than starting a call."""
        return PathFinder.find_spec("threadpoolctl") is not None

    def add(self, limit: ThreadLimit) -> None:
        """Have one more limit hold."""
        with self._lock:
            self._limits.append(limit)
            self._apply()

    def remove(self, limit: ThreadLimit) -> None:
        """Have a limit hold no longer."""
        with self._lock:
            self._limits.remove(limit)
            self._apply()

    def of_threads(self) -> list[Any]:
        """Return the libraries whose limit is another in each thread."""
        with self._lock:
            return [library for library in self._find() if _is_openmp(library)]

    def _apply(self) -> None:
        for library in self._find():
            if library.user_api == "openmp":
                continue  # a matter of the threads that run tasks
            path = library.filepath
            if self._limits:
                before = self._before.setdefault(path, library.num_threads)
                _set_threads(library, min(limit.applied_to(before) for limit in self._limits))
            elif path in self._before:
                _set_threads(library, self._before.pop(path))

    def _find(self) -> list[Any]:
        """Return threadpoolctl's handles of all libraries; looking takes a millisecond.

        A library comes with a module, so as long as no module was imported there is no new one.
        """
        if len(sys.modules) != self._modules_seen:
            from threadpoolctl import ThreadpoolController

            self._modules_seen = len(sys.modules)
            self._found = ThreadpoolController().lib_controllers
        return self._found


def _is_openmp(library: Any) -> bool:
    return "openmp" in (library.user_api, getattr(library, "threading_layer", None))


def _set_threads(library: Any, n_threads: int) -> None:
    library.set_num_threads(n_threads)
    # With newer threadpoolctl, a thread that has set a limit keeps others from setting one; but the
    # call that ends last, in whatever thread, must be able to put it back.
    if hasattr(library, "clear_controlling_thread"):
        library.clear_controlling_thread()


_libraries = _Libraries()
