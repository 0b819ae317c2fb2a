"""register_parallel_backend: a backend by name, for this process."""

from __future__ import annotations

from ..plugins import backends
from ._defaults import process_defaults

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..contracts.backend import Backend

__all__ = ["register_parallel_backend"]


def register_parallel_backend(
    name: str, factory: Callable[..., Backend], make_default: bool = False
) -> None:
    """Make a backend known by a name, in this process.

    To make one known wherever its distribution is installed, declare an entry point in the group
    ``fanfold.backends.v1`` instead.

    Parameters
    ----------
    name : str
        What users give as ``backend=``.
    factory : callable
        A class derived from :class:`fanfold.contracts.Backend`, or a function that returns an
        instance of one; called with the user's ``backend_kwargs``.
    make_default : bool, default=False
        Whether calls that choose no backend use this one, whatever ``FANFOLD_DEFAULT_BACKEND``
        says.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If `factory` cannot be called.

    Examples
    --------
    >>> from fanfold import Parallel, delayed, register_parallel_backend
    >>> from fanfold.backends.threads import ThreadsBackend
    >>> register_parallel_backend("my-threads", ThreadsBackend)
    >>> Parallel(n_jobs=2, backend="my-threads")(delayed(abs)(x) for x in (-1, -2))
    [1, 2]
    """
    backends.register(name, factory)
    if make_default:
        process_defaults.registered = name
