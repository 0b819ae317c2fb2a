"""What the arguments of Parallel can be, beside the backend: each function sees to one of them.

All raise :class:`fanfold.errors.InvalidArgumentError`, which names the argument, its value and what
was expected.
"""

from __future__ import annotations

from .._sizes import parse_size
from ..backends.inner_threads import can_limit_threads
from ..errors import FanfoldWarning, InvalidArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..tasks.travel.initializers import Initializer

__all__ = [
    "check_batch_size",
    "check_choice",
    "check_max_nbytes",
    "check_timeout",
    "limit_in_caller",
    "make_initializer",
    "warn_if_not_applied",
]


def check_choice(argument: str, value: str | None, choices: tuple[str | None, ...]) -> str | None:
    """Return a value that is among its choices."""
    if value not in choices:
        raise InvalidArgumentError(f"{argument}={value!r} is not valid: expected one of {choices}")
    return value


def make_initializer(function: object, args: object) -> Initializer | None:
    """Return what ``initializer`` and ``initargs`` stand for."""
    if function is None:
        return None
    from ..tasks.travel.initializers import Initializer

    if not callable(function):
        raise InvalidArgumentError(
            f"initializer={function!r} cannot be called: give a function, and its arguments as "
            "initargs"
        )
    if not isinstance(args, tuple | list):
        raise InvalidArgumentError(
            f"initargs={args!r} is not valid: expected a tuple of the initializer's arguments"
        )
    return Initializer(function, tuple(args))


def check_batch_size(batch_size: object) -> None:
    """Refuse what `batch_size` cannot be."""
    if batch_size == "auto":
        return
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise InvalidArgumentError(
            f"batch_size={batch_size!r} is not valid: expected 'auto' or a number of 1 or more"
        )


def check_timeout(argument: str, timeout: object) -> None:
    """Refuse what a time limit cannot be."""
    if timeout is None:
        return
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
        raise InvalidArgumentError(
            f"{argument}={timeout!r} is not valid: expected a number of seconds above 0, or None"
        )


def check_max_nbytes(max_nbytes: int | str | None) -> int | None:
    """Return `max_nbytes` as a number of bytes; None is none."""
    return None if max_nbytes is None else parse_size(max_nbytes, "max_nbytes")


def limit_in_caller(inner_max_num_threads: int | None) -> int | None:
    """Return the limit on inner threads if it can be kept in the calling process; else warn."""
    if inner_max_num_threads is None or can_limit_threads():
        return inner_max_num_threads
    import warnings

    warnings.warn(
        f"inner_max_num_threads={inner_max_num_threads} is not applied with n_jobs=1, where tasks "
        'run in the calling thread, without threadpoolctl: pip install "fanfold[threads]", or use '
        "n_jobs=2 or more",
        FanfoldWarning,
        stacklevel=3,
    )
    return None


def warn_if_not_applied(argument: str, timeout: float | None) -> None:
    """Warn of a time limit that is given where tasks run in the calling thread."""
    if timeout is None:
        return
    import warnings

    warnings.warn(
        f"{argument}={timeout} is not applied with n_jobs=1, where tasks run in the calling "
        "thread: use n_jobs=2 or more",
        FanfoldWarning,
        stacklevel=3,
    )
