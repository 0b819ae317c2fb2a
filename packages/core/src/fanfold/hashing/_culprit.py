"""Where in a value the object is that cannot be hashed."""

from __future__ import annotations

from types import MemberDescriptorType

from ._reduce import Reduced
from ._words import Named, Tagged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, TypeAlias

    Step: TypeAlias = tuple[str, object]

__all__ = ["NoValueError", "path_to"]


class NoValueError(Exception):
    """An object without a value was met; this never leaves the package."""

    def __init__(self, culprit: object, reason: str) -> None:
        super().__init__(reason)
        self.culprit = culprit
        self.reason = reason


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
    elif type(obj) is Named:
        yield (f"{path}{obj.spelling}", obj.value)
    stand_in = stand_ins.get(id(obj))
    if type(stand_in) is Tagged:
        yield from _parts(path, stand_in.value)
    elif type(stand_in) is Reduced:
        yield (f"what rebuilds {path}", stand_in.arguments)
        yield (path, stand_in.items)
        yield (path, stand_in.mapping)
        yield from _parts(path, stand_in.state)
        yield from _attributes(path, obj)  # last, and so looked through first


def _parts(path: str, value: object) -> Iterator[Step]:
    """Yield what a stand-in or a state holds: of a dict, the values as attributes."""
    if isinstance(value, dict):
        yield from ((f"{path}.{name}", member) for name, member in value.items())
    elif isinstance(value, tuple):
        for part in value:
            yield from _parts(path, part) if isinstance(part, dict) else ((path, part),)
    else:
        yield (path, value)


def _attributes(path: str, obj: object) -> Iterator[Step]:
    """Yield the attributes of an object by their names, however its state is pickled."""
    attributes = dict(getattr(obj, "__dict__", {}))
    for base in type(obj).__mro__:
        for name, member in vars(base).items():
            if isinstance(member, MemberDescriptorType):  # one of its __slots__
                attributes[name] = getattr(obj, name, None)
    yield from ((f"{path}.{name}", member) for name, member in attributes.items())
