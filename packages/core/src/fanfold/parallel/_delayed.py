"""delayed: a call that is written down and not made."""

from __future__ import annotations

from types import BuiltinFunctionType, FunctionType, ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ParamSpec, TypeAlias, TypeVar

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
    known, capture = _last.pair
    if known is function:
        return capture  # type: ignore[no-any-return]  # the pair is of one type, which none can say
    if not callable(function):
        raise TypeError(
            f"delayed() takes a function, and {function!r} of type {type(function).__name__} "
            "cannot be called. Write delayed(function)(argument), not delayed(function(argument))"
        )

    # functools.wraps would take ten times as long as all the rest.
    def delayed_function(*args: P.args, **kwargs: P.kwargs) -> Task[R]:
        return function, args, kwargs

    delayed_function.__wrapped__ = function  # type: ignore[attr-defined]  # for inspect.signature
    if _is_kept_anyway(function):
        _last.pair = function, delayed_function
    return delayed_function


def _is_kept_anyway(function: object) -> bool:
    """Tell whether nothing large is kept alive by a reference to a function."""
    if type(function) is FunctionType:
        refers_to = (function.__closure__, function.__defaults__, function.__kwdefaults__)
        return not any(refers_to)
    return type(function) is BuiltinFunctionType and isinstance(function.__self__, ModuleType)


class _Last:
    """The last function that was delayed, and what became of it.

    Loops delay one function over and over, and what a task costs is mostly this: 0.2 µs in place of
    0.4. The pair is read and replaced as a whole, which needs no lock.
    """

    __slots__ = ("pair",)

    def __init__(self) -> None:
        self.pair: tuple[object, Any] = self, None


_last = _Last()
