"""How a function tells ``Parallel`` that it may have the result of a call already.

``Parallel`` knows nothing of caches. It asks the type of a task's function for a finder of results,
and sends to workers only the calls whose results that does not find.
"""

from __future__ import annotations

from types import MethodType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final, Protocol

    class Finder(Protocol):
        """Finds results of one function."""

        at_once: int
        """For how many calls it is best asked at once; 1 where it makes no difference."""

        def key(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
            """Return what tells this call from others, with its arguments as they are now."""

        def find(self, keys: Sequence[str]) -> Sequence[object]:
            """Return the results of calls, in order; ``NOT_FOUND`` where there is none.

            It may raise anything: then the calls are made, and raise it where it belongs.
            """


__all__ = ["NOT_FOUND", "Finder", "finder_of_task", "offered_finder"]

NOT_FOUND: Final[Any] = object()
"""Stands for a result that is not there; any other object could be one."""


def finder_of_task(function: object, *, counts_misses: bool) -> Finder | None:
    """Return what finds results of a task's function, or None where that offers nothing.

    Parameters
    ----------
    function : object
        The function, or a method of one, such as ``cached.call_and_shelve``.
    counts_misses : bool
        Whether what is not found counts as a miss now: false where the call itself will count it
        in this process.
    """
    if type(function) is MethodType:
        return offered_finder(function.__self__, function.__name__, (), counts_misses=counts_misses)
    return offered_finder(function, "__call__", (), counts_misses=counts_misses)


def offered_finder(
    thing: object, method: str, first_args: tuple[object, ...], *, counts_misses: bool
) -> Finder | None:
    """Return what finds results of a method of something that can be called, if it offers that.

    Parameters
    ----------
    thing : object
        What may offer it.
    method : str
        ``"__call__"``, or the name of another method.
    first_args : tuple
        What stands before the arguments of each call.
    counts_misses : bool
        As for :func:`finder_of_task`.
    """
    offer = getattr(type(thing), "__fanfold_find_results__", None)
    if offer is None:
        return None
    finder: Finder | None = offer(thing, method, first_args, counts_misses=counts_misses)
    return finder
