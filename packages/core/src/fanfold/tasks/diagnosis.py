"""Why an object cannot be pickled: the path to the part that is at fault.

It walks into containers, attributes and closures as a pickler would, always into the first part
that cannot be pickled by itself, until it finds one whose own parts are all fine.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import CellType, FunctionType, MethodType, MethodWrapperType

from .pickling import TaskPickler

__all__ = ["explain_unpicklable", "find_unpicklable"]

_DEEPEST = 50
"""Paths deeper than this are cut: a longer one would not help anybody."""


def explain_unpicklable(value: object, name: str = "value") -> str:
    """Say which part of `value` cannot be pickled, and why.

    Parameters
    ----------
    value : object
        What could not be pickled.
    name : str, default="value"
        What to call it.

    Returns
    -------
    str
        Such as ``"args[0].lock, of type '_thread.lock': cannot pickle '_thread.lock' object"``.

    Examples
    --------
    >>> import threading
    >>> explain_unpicklable({"lock": threading.Lock()}, "config")
    "config['lock'], of type '_thread.lock': cannot pickle '_thread.lock' object"
    """
    path, culprit, failure = find_unpicklable(value, name) or (name, value, None)
    return f"{path}, of type {_type_name(culprit)!r}: {failure or 'it cannot be pickled'}"


def find_unpicklable(value: object, name: str) -> tuple[str, object, Exception] | None:
    """Return path, object and exception of the innermost part that cannot be pickled.

    None means that all of it can be pickled after all.
    """
    failure = _failure(value)
    if failure is None:
        return None
    # Kept alive, so that no two have one identity.
    path, visited = name, {id(value): value}
    for _ in range(_DEEPEST):
        for step, part in _parts(value):
            if id(part) in visited:
                continue
            visited[id(part)] = part
            deeper = _failure(part)
            if deeper is not None:
                path, value, failure = path + step, part, deeper
                break
        else:
            break
    return path, value, failure


def _failure(value: object) -> Exception | None:
    try:
        # Large arrays stay where they are: only what cannot be pickled matters.
        TaskPickler(same_host=True, can_wait=True).dumps_with_buffers(value)
    except Exception as error:  # noqa: BLE001  a user's __reduce__ may raise anything
        return error
    return None


def _parts(value: object) -> Iterator[tuple[str, object]]:
    """Yield what a pickler would go into, each with the text that leads to it."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield f" key {key!r}", key
            yield f"[{key!r}]", item
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield f"[{position}]", item
    elif isinstance(value, set | frozenset):
        for item in value:
            yield f" element {item!r}", item
    elif isinstance(value, MethodType | MethodWrapperType):
        yield ".__self__", value.__self__
    elif isinstance(value, FunctionType):
        yield from _function_parts(value)
    if not isinstance(value, type):
        yield from _state(value)


def _function_parts(function: FunctionType) -> Iterator[tuple[str, object]]:
    cells: tuple[CellType, ...] = function.__closure__ or ()
    for variable, cell in zip(function.__code__.co_freevars, cells, strict=True):
        if cell is not None and _is_filled(cell):
            yield f" closure variable {variable!r}", cell.cell_contents
    for variable in function.__code__.co_names:
        if variable in function.__globals__:
            yield f" global {variable!r}", function.__globals__[variable]
    for position, default in enumerate(function.__defaults__ or ()):
        yield f".__defaults__[{position}]", default


def _is_filled(cell: CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018  reading an empty cell is how to find out
    except ValueError:
        return False
    return True


def _state(value: object) -> Iterator[tuple[str, object]]:
    attributes: dict[str, object] = dict(getattr(value, "__dict__", {}))
    for name in getattr(type(value), "__slots__", ()):
        if isinstance(name, str) and hasattr(value, name):
            attributes[name] = getattr(value, name)
    for name, item in attributes.items():
        yield f".{name}", item


def _type_name(value: object) -> str:
    kind = type(value)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
