"""Where in a value the object is that cannot be hashed."""

from __future__ import annotations

from ._reduce import Reduced
from ._words import Tagged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, TypeAlias

    Step: TypeAlias = tuple[str, object]

__all__ = ["path_to"]


def path_to(root: object, culprit: object, stand_ins: Mapping[int, object]) -> str:
    """Return how Python would spell the way from a value to an object in it.

    Parameters
    ----------
    root : object
        The value, spelt ``obj``.
    culprit : object
        What is looked for, by identity.
    stand_ins : mapping
        What is known of the objects on the way, by id.
    """
    return next(
        (path for path, obj in _walk(root, stand_ins) if obj is culprit), "something in obj"
    )


def _walk(root: object, stand_ins: Mapping[int, object]) -> Iterator[Step]:
    waiting: list[Step] = [("obj", root)]
    seen: set[int] = set()
    while waiting:
        path, obj = waiting.pop()
        yield path, obj
        if id(obj) not in seen:
            seen.add(id(obj))
            waiting += _steps(path, obj, stand_ins)


def _steps(path: str, obj: Any, stand_ins: Mapping[int, object]) -> Iterator[Step]:
    """Yield what an object holds, each with its spelling."""
    if isinstance(obj, (list, tuple)):
        yield from ((f"{path}[{index}]", member) for index, member in enumerate(obj))
    elif isinstance(obj, dict):
        yield from ((f"{path}[{key!r}]", member) for key, member in obj.items())
        yield from ((f"a key of {path}", key) for key in obj)
    elif isinstance(obj, (set, frozenset)):
        yield from ((f"a member of {path}", member) for member in obj)
    stand_in = stand_ins.get(id(obj))
    if type(stand_in) is Tagged:
        yield from _attributes(path, stand_in.value)
    elif type(stand_in) is Reduced:
        yield (f"what rebuilds {path}", stand_in.arguments)
        yield (path, stand_in.items)
        yield (path, stand_in.mapping)
        slots = stand_in.state if isinstance(stand_in.state, tuple) else (stand_in.state,)
        for attributes in slots:
            yield from _attributes(path, attributes)


def _attributes(path: str, value: object) -> Iterator[Step]:
    """Yield the values of a dict as attributes, and anything else as what `path` spells."""
    if isinstance(value, dict):
        yield from ((f"{path}.{name}", member) for name, member in value.items())
    else:
        yield (path, value)
