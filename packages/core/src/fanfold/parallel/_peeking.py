"""Looking at the first of an iterator, and giving them once more."""

from __future__ import annotations

from itertools import chain, islice

from ..contracts.lookup import finder_of_task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, TypeVar

    from ..contracts.backend import BackendCapabilities
    from ..contracts.lookup import Finder
    from ..tasks.naming import Task

    T = TypeVar("T")

__all__ = ["finder_of_first", "look_ahead", "raising"]


def look_ahead(iterator: Iterator[T], size: int) -> tuple[list[T], Iterator[T]]:
    """Return up to `size` things from an iterator, and an iterator that gives them once more.

    What the iterator raises is raised by the other in its turn, when the call is under way.
    """
    ahead: list[T] = []
    try:
        for thing in islice(iterator, size):
            ahead.append(thing)  # noqa: PERF402  those before an error count
    except Exception as error:  # noqa: BLE001  the user's iterator may raise anything
        return ahead, chain(ahead, raising(error))
    return ahead, chain(ahead, iterator)


def raising(error: Exception) -> Iterator[Any]:
    """Return an iterator that raises an error."""
    yield from ()  # nothing, and makes this an iterator
    try:
        raise error
    finally:
        del error  # whose traceback refers to this frame


def finder_of_first(
    tasks: Iterable[Task], capabilities: BackendCapabilities
) -> tuple[Iterable[Task], Finder | None]:
    """Return the tasks, and what may know results of the first one's function, if anything does.

    Where that is nothing, as it mostly is, nobody looks at the tasks that follow: to have looked
    would cost each of them more than some tasks take. A loop in the calling thread sends nothing,
    so there each task looks for itself.
    """
    if capabilities.runs_in_caller:
        return tasks, None
    if isinstance(tasks, (list, tuple)):
        ahead = list(tasks[:1])
    else:
        ahead, tasks = look_ahead(iter(tasks), 1)
    try:
        [(function, _, _)] = ahead
    except (TypeError, ValueError):
        return tasks, None  # there is none, or it is no task, which is for whoever runs it to say
    return tasks, finder_of_task(function, counts_misses=not capabilities.shares_memory)
