"""Which backend runs a call, and with how many workers: joblib's rules, in one place."""

from __future__ import annotations

from .._nesting import nesting
from ..contracts.backend import Backend
from ..errors import FanfoldError, InvalidArgumentError
from ..plugins import backends
from ._configuration import configuration
from ._defaults import DEFAULTS, UNSET, Unset, process_defaults

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeAlias

    from .._nesting import Level

    BackendArgument: TypeAlias = str | Backend | type[Backend] | None

__all__ = ["effective_n_jobs", "make_backend", "merge", "nested_level", "resolve_backend"]

_HINTS = (None, "processes", "threads")
_CONSTRAINTS = (None, "sharedmem")
_DEEPEST_PARALLEL_LEVEL = 1


def make_backend(backend: BackendArgument, parameters: Mapping[str, Any]) -> Backend:
    """Return the backend that a name, a class or an instance stands for.

    Raises
    ------
    fanfold.errors.UnknownPluginError
        If no backend has this name.
    fanfold.errors.InvalidArgumentError
        If it is none of these, or its constructor does not take the parameters.
    """
    if isinstance(backend, Backend):
        if parameters:
            raise InvalidArgumentError(
                f"{', '.join(parameters)} cannot be given together with an instance of "
                f"{type(backend).__name__}, which is made already: give the backend's name instead"
            )
        return backend
    factory = backends.get(backend) if isinstance(backend, str) else backend
    if not callable(factory):
        raise InvalidArgumentError(
            f"backend={backend!r} is not a backend: expected a name such as 'processes' or "
            "'threads', a class derived from fanfold.contracts.Backend, or an instance of one"
        )
    try:
        return factory(**parameters)
    except TypeError as error:
        raise InvalidArgumentError(
            f"the backend {backend!r} cannot be made with {dict(parameters)!r}: {error}"
        ) from error


def merge(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return all settings: as given, else as configured, else the defaults."""
    settings = {**DEFAULTS, **configuration.get({})}
    settings.update((name, value) for name, value in given.items() if value is not UNSET)
    return settings


def resolve_backend(
    given: Mapping[str, Any], settings: Mapping[str, Any], parameters: Mapping[str, Any]
) -> tuple[Backend, int | None]:
    """Return the backend of a call, and the ``n_jobs`` to ask it for.

    What is given with the call comes before the enclosing configuration, which comes before what
    is laid down for tasks, which comes before the process's default. ``require="sharedmem"``
    overrules a configured backend, and is an error with one that is given; ``prefer`` only counts
    where nobody chose a backend.

    Parameters
    ----------
    given : mapping
        The arguments of the call, `UNSET` where they were not given.
    settings : mapping
        The same, merged with configuration and defaults.
    parameters : mapping
        Arguments for the constructor of a backend that is given by name.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If `prefer` or `require` are not among what they can be, or contradict each other or the
        backend.
    """
    prefer, require = settings["prefer"], settings["require"]
    _check_hints(prefer, require)
    if given["backend"] not in (UNSET, None):
        backend = make_backend(given["backend"], parameters)
        if require == "sharedmem" and not backend.capabilities.shares_memory:
            raise InvalidArgumentError(
                f"the backend {backend.name!r} does not support shared memory, which "
                "require='sharedmem' demands: use backend='threads', or leave the backend out"
            )
        return backend, settings["n_jobs"]
    chosen = settings["backend"]
    if chosen is None:
        chosen = nesting.get()[1]
    if chosen is None:
        return _default_backend(prefer, require, parameters), settings["n_jobs"]
    backend = make_backend(chosen, parameters if isinstance(chosen, str) else {})
    if require == "sharedmem" and not backend.capabilities.shares_memory:
        # As with joblib, the number of workers that was configured for the other backend is not
        # taken over.
        n_jobs = 1 if isinstance(given["n_jobs"], Unset) else given["n_jobs"]
        return make_backend("threads", {}), n_jobs
    return backend, settings["n_jobs"]


def _default_backend(prefer: object, require: object, parameters: Mapping[str, Any]) -> Backend:
    name = process_defaults.backend
    try:
        backend = make_backend(name, parameters)
    except FanfoldError as error:
        if name == process_defaults.of_environment:
            error.add_note(f"It is the default here by {process_defaults.VARIABLE}={name}.")
        raise
    shares_memory = backend.capabilities.shares_memory
    if not shares_memory and (require == "sharedmem" or prefer == "threads"):
        return make_backend("threads", parameters)
    if shares_memory and prefer == "processes":
        return make_backend("processes", parameters)
    return backend


def effective_n_jobs(n_jobs: int | None = -1) -> int:
    """Return how many workers a call of ``Parallel`` would use here and now.

    Parameters
    ----------
    n_jobs : int or None, default=-1
        As for :class:`Parallel`. None stands for what the enclosing configuration says, else 1.

    Returns
    -------
    int
        1 or more.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If `n_jobs` is 0 or cannot be a number.

    Examples
    --------
    >>> from fanfold import effective_n_jobs
    >>> effective_n_jobs(3)
    3
    """
    given = {"backend": UNSET, "n_jobs": UNSET if n_jobs is None else n_jobs}
    settings = merge(given)
    backend, asked = resolve_backend(given, settings, {})
    return count_workers(backend, asked)


def count_workers(backend: Backend, n_jobs: object) -> int:
    """Return how many workers a backend gives for the ``n_jobs`` that a user asked for."""
    if n_jobs is None:
        n_jobs = backend.default_n_jobs
    try:
        number = int(n_jobs)  # type: ignore[call-overload]  # what is not a number is reported
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidArgumentError(
            f"n_jobs={n_jobs!r} cannot be converted to an integer: give a number of workers, or -1 "
            "for all CPUs"
        ) from error
    if number == 0:
        raise InvalidArgumentError(
            "n_jobs == 0 in Parallel has no meaning: give a number of workers, or -1 for all CPUs"
        )
    return backend.effective_n_jobs(number)


def nested_level(backend: Backend, n_workers: int) -> Level:
    """Return the nesting in which tasks run: one level deeper, with a default and some CPUs."""
    level = nesting.get()[0] + 1
    chosen = backend.nested_backend()
    if chosen is None:
        chosen = "threads" if level <= _DEEPEST_PARALLEL_LEVEL else "sequential"
    return level, chosen, backend.cpus_per_task(n_workers)


def _check_hints(prefer: object, require: object) -> None:
    if prefer not in _HINTS:
        raise InvalidArgumentError(
            f"prefer={prefer!r} is not a valid backend hint: expected one of {_HINTS}"
        )
    if require not in _CONSTRAINTS:
        raise InvalidArgumentError(
            f"require={require!r} is not a valid backend constraint: expected one of {_CONSTRAINTS}"
        )
    if prefer == "processes" and require == "sharedmem":
        raise InvalidArgumentError(
            "prefer='processes' and require='sharedmem' are inconsistent: processes do not share "
            "their memory; leave one of them out"
        )
