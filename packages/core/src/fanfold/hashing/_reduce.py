"""The value of any other object: what it would be pickled as, and of which class it is."""

from __future__ import annotations

import copyreg
from collections import OrderedDict

from ._names import qualified_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Reduced", "reduce"]


class Reduced:
    """An object as the parts that would rebuild it.

    Parameters
    ----------
    kind : str
        The qualified name of its class.
    maker : str
        The qualified name of what rebuilds it; ``""`` where that is just a new instance.
    arguments, state, items, mapping : object
        The maker's arguments, the attributes, and what it holds as a list or as a dict; None where
        there is nothing.
    """

    __slots__ = ("arguments", "items", "kind", "maker", "mapping", "state")

    def __init__(
        self,
        kind: str,
        maker: str,
        arguments: object = None,
        state: object = None,
        items: object = None,
        mapping: object = None,
    ) -> None:
        self.kind = kind
        self.maker = maker
        self.arguments = arguments
        self.state = state
        self.items = items
        self.mapping = mapping


def reduce(obj: object) -> Reduced:
    """Return the parts of an object; whatever its ``__reduce_ex__`` raises passes through."""
    kind = type(obj)
    # Libraries that add tracebacks to exceptions register themselves for all their classes; whether
    # one of them was imported must not change a hash.
    is_exception = isinstance(obj, BaseException)
    reducer = None if is_exception else copyreg.dispatch_table.get(kind)
    # Protocol 4: with 5, buffers would come out of band, as objects without a value.
    answer = reducer(obj) if reducer is not None else obj.__reduce_ex__(4)
    if isinstance(answer, str):  # the object is the global of this name in its module
        return Reduced(qualified_name(kind), f"{getattr(obj, '__module__', '')}.{answer}")
    maker, arguments, state, items, mapping = (*answer, None, None, None)[:5]
    maker_name, arguments = _without_boilerplate(maker, arguments)
    if isinstance(obj, (set, frozenset)):  # it tells its members as a list, in arbitrary order
        arguments = (frozenset(obj), *arguments[1:])
    if mapping is not None:
        pairs = list(mapping)
        mapping = pairs if isinstance(obj, OrderedDict) else dict(pairs)
    return Reduced(
        qualified_name(kind),
        maker_name,
        arguments or None,
        state or None,
        list(items) if items is not None else None,
        mapping,
    )


def _without_boilerplate(maker: Any, arguments: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """Return the maker's name and arguments; for a plain new instance, the latter without class."""
    name = getattr(maker, "__name__", "")
    if name == "__newobj__":
        return "", arguments[1:]
    if name == "__newobj_ex__":
        return "", arguments[1:] if any(arguments[1:]) else ()
    return qualified_name(maker), arguments
