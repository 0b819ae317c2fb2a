"""The configuration that calls of Parallel find: a context variable, and what sets it."""

from __future__ import annotations

from contextvars import ContextVar

from .._nesting import seed_scope
from ..contracts.backend import Backend
from ..errors import InvalidArgumentError
from ._defaults import UNSET, Unset
from ._random import check_seed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Any

    from ..tasks.seeding import SeedScope
    from ._resolve import BackendArgument
    from ._retry import Retry

__all__ = ["configuration", "parallel_backend", "parallel_config"]

configuration: ContextVar[Mapping[str, Any]] = ContextVar("fanfold_configuration")
"""The arguments of ``Parallel`` that enclosing ``parallel_config`` set; absent ones are unset."""


class parallel_config:  # noqa: N801  joblib's name
    """Set defaults for every call of ``Parallel`` that this code makes, directly or in libraries.

    Used as ``with parallel_config(...)``, it holds for the block. Called by itself, it holds until
    :meth:`unregister`, or for the rest of the thread's or coroutine's life. It is kept in a context
    variable, so other threads and coroutines do not see it, but tasks that they are given by
    ``contextvars.copy_context`` do.

    Parameters
    ----------
    backend : str, Backend, or None, optional
        What runs the tasks: ``"processes"`` (also ``"loky"``, ``"multiprocessing"``), ``"threads"``
        (also ``"threading"``), ``"sequential"``, the name of an installed or registered plugin,
        such as ``"dask"`` or ``"ray"``, or an instance.
    n_jobs, verbose, temp_folder, max_nbytes, mmap_mode, prefer, require : optional
        As for :class:`Parallel`.
    on_error, retries, task_timeout, initializer, initargs : optional
        As for :class:`Parallel`.
    seed : int or None, optional
        Seeds every call in the block, each by a seed of its own: the first call gets that of the
        first child which numpy's ``SeedSequence(seed)`` would spawn, and so on.
    inner_max_num_threads : int, optional
        How many threads numeric libraries may use inside one task. Only with `backend`, and only
        for backends that can limit them: processes, and with threadpoolctl installed (``pip install
        "fanfold[threads]"``) threads and the calling thread.
    **backend_params
        Arguments of the backend's constructor. Only with `backend` as a name.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If `inner_max_num_threads` or `backend_params` are given without a backend.
    fanfold.errors.UnknownPluginError
        If no backend has this name.

    Examples
    --------
    >>> from fanfold import Parallel, delayed, parallel_config
    >>> with parallel_config(backend="threads", n_jobs=2):
    ...     Parallel()(delayed(abs)(x) for x in (-1, 2, -3))
    [1, 2, 3]
    """

    def __init__(
        self,
        backend: BackendArgument | Unset = UNSET,
        *,
        n_jobs: int | Unset | None = UNSET,
        verbose: int | Unset = UNSET,
        temp_folder: str | Unset | None = UNSET,
        max_nbytes: int | str | Unset | None = UNSET,
        mmap_mode: str | Unset | None = UNSET,
        prefer: str | Unset | None = UNSET,
        require: str | Unset | None = UNSET,
        initializer: Callable[..., object] | Unset | None = UNSET,
        initargs: tuple[object, ...] | Unset = UNSET,
        seed: int | Unset | None = UNSET,
        inner_max_num_threads: int | None = None,
        on_error: str | Unset = UNSET,
        retries: int | Retry | Unset = UNSET,
        task_timeout: float | Unset | None = UNSET,
        **backend_params: Any,
    ) -> None:
        from ._resolve import make_backend

        scope = _seed_scope(seed)

        if isinstance(backend, Unset):
            if inner_max_num_threads is not None or backend_params:
                given = ["inner_max_num_threads"] * (inner_max_num_threads is not None)
                raise InvalidArgumentError(
                    f"{', '.join([*given, *backend_params])} can only be given together with a "
                    "backend: parallel_config(backend='processes', …)"
                )
        elif backend is not None:
            backend = make_backend(backend, backend_params)
            if inner_max_num_threads is not None:
                _check_inner_threads(inner_max_num_threads, backend)
        given_arguments = {
            "backend": backend,
            "n_jobs": n_jobs,
            "verbose": verbose,
            "temp_folder": temp_folder,
            "max_nbytes": max_nbytes,
            "mmap_mode": mmap_mode,
            "prefer": prefer,
            "require": require,
            "on_error": on_error,
            "retries": retries,
            "task_timeout": task_timeout,
            "initializer": initializer,
            "initargs": initargs,
        }
        settings = {
            name: value for name, value in given_arguments.items() if not isinstance(value, Unset)
        }
        if inner_max_num_threads is not None:
            settings["inner_max_num_threads"] = inner_max_num_threads
        self.parallel_config: dict[str, Any] = {**configuration.get({}), **settings}
        self._token = configuration.set(self.parallel_config)
        self._seed_token = seed_scope.set(scope)

    def __enter__(self) -> dict[str, Any]:
        """Return the settings that hold now."""
        return self.parallel_config

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Bring back the settings from before."""
        self.unregister()

    def unregister(self) -> None:
        """Bring back the settings from before."""
        seed_scope.reset(self._seed_token)
        configuration.reset(self._token)


def _seed_scope(seed: int | Unset | None) -> SeedScope | None:
    if isinstance(seed, Unset):
        return seed_scope.get()
    if seed is None:
        return None
    from ..tasks.seeding import SeedScope

    return SeedScope((check_seed(seed), ()))


def _check_inner_threads(inner_max_num_threads: object, backend: Backend) -> None:
    if not backend.capabilities.limits_inner_threads:
        raise InvalidArgumentError(
            f"the backend {backend.name!r} does not limit the threads of numeric libraries: leave "
            f"inner_max_num_threads={inner_max_num_threads!r} out, or use backend='processes'"
        )
    if (
        isinstance(inner_max_num_threads, bool)
        or not isinstance(inner_max_num_threads, int)
        or inner_max_num_threads < 1
    ):
        raise InvalidArgumentError(
            f"inner_max_num_threads={inner_max_num_threads!r} is not valid: expected a number of "
            "1 or more"
        )


class parallel_backend(parallel_config):  # noqa: N801  joblib's name
    """Set the backend and all its workers as the default: the older form of `parallel_config`.

    Parameters
    ----------
    backend : str, Backend
        As for :class:`parallel_config`.
    n_jobs : int, default=-1
        As for :class:`Parallel`.
    inner_max_num_threads : int, optional
        As for :class:`parallel_config`.
    **backend_params
        Arguments of the backend's constructor.

    Examples
    --------
    >>> from fanfold import Parallel, delayed, parallel_backend
    >>> with parallel_backend("threading", n_jobs=2):
    ...     Parallel()(delayed(abs)(x) for x in (-1, 2, -3))
    [1, 2, 3]
    """

    def __init__(
        self,
        backend: BackendArgument,
        n_jobs: int = -1,
        inner_max_num_threads: int | None = None,
        **backend_params: Any,
    ) -> None:
        super().__init__(
            backend,
            n_jobs=n_jobs,
            inner_max_num_threads=inner_max_num_threads,
            **backend_params,
        )

    def __enter__(self) -> tuple[Backend, int]:  # type: ignore[override]  # as joblib's does
        """Return the backend and the number of jobs."""
        return self.parallel_config["backend"], self.parallel_config["n_jobs"]
