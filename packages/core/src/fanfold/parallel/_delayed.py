"""delayed: a call that is written down and not made."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ParamSpec, TypeAlias, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")
    Task: TypeAlias = tuple[Callable[..., R], tuple[object, ...], dict[str, object]]

__all__ = ["delayed"]


def delayed(function: Callable[P, R]) -> Callable[P, Task[R]]:
    """Return a function that captures a call in place of making it.

    Parameters
    ----------
    function : callable
        What a task is to call.

    Returns
    -------
    callable
        Takes the arguments of `function` and returns the task: the tuple of function, positional
        arguments and keyword arguments.

    Raises
    ------
    TypeError
        If `function` cannot be called. The usual slip is ``delayed(f(x))`` for ``delayed(f)(x)``.

    Examples
    --------
    >>> from fanfold import Parallel, delayed
    >>> Parallel(n_jobs=1)(delayed(pow)(2, exponent) for exponent in range(5))
    [1, 2, 4, 8, 16]
    """
    if not callable(function):
        raise TypeError(
            f"delayed() takes a function, and {function!r} of type {type(function).__name__} "
            "cannot be called. Write delayed(function)(argument), not delayed(function(argument))"
        )

    # functools.wraps would take ten times as long as all the rest.
    def delayed_function(*args: P.args, **kwargs: P.kwargs) -> Task[R]:
        return function, args, kwargs

    delayed_function.__wrapped__ = function  # type: ignore[attr-defined]  # for inspect.signature
    return delayed_function
