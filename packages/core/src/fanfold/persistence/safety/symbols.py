"""What stands for the values of a pickle while it is only rehearsed.

None, booleans, integers and short texts and bytes stand for themselves; everything else is one of
these. Nothing here is hashed or compared, which could take for ever with a forged pickle.
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple, TypeAlias

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Passages(Protocol):
        """What was passed over; following it fills the collections that stand for it."""

        def follow_up_to(self, number: int) -> None: ...


__all__ = [
    "PLAIN",
    "ArrayShape",
    "Call",
    "Data",
    "DictOf",
    "Global",
    "ListOf",
    "Plain",
    "Symbol",
    "TupleOf",
    "TypeOfItems",
    "weight_of",
]

_HASHED_AT_ONCE = 64

Symbol: TypeAlias = Any
"""None, bool, int, str, bytes, or one of the classes below."""


class Data:
    """A number, long text or bytes, a set, or a buffer: something without parts that matter.

    Attributes
    ----------
    size : int
        How many bytes it has, as far as they matter.
    weight : int
        How many steps its hash takes each time; that of text and bytes is remembered.
    is_buffer : bool
        Whether it is a buffer from outside of the pickle.
    used : bool
        Whether a call has copied it; a second one could only be meant to fill the memory.
    """

    __slots__ = ("is_buffer", "size", "used", "weight")

    def __init__(self, size: int = 0, *, is_buffer: bool = False, is_number: bool = False) -> None:
        self.size = size
        self.weight = 1 + size // _HASHED_AT_ONCE if is_number else 1
        self.is_buffer = is_buffer
        self.used = False


class Plain:
    """One of several plain values in a row that were passed over."""

    __slots__ = ()


PLAIN = Plain()


class TupleOf:
    """A tuple.

    Attributes
    ----------
    items : list of Symbol
        What is in it.
    weight : int
        How many steps its hash takes; shared parts count each time.
    depth : int
        How deep tuples are nested in it.
    """

    __slots__ = ("depth", "items", "weight")

    def __init__(self, items: list[Symbol]) -> None:
        self.items = items
        weight = 1
        depth = 0
        for item in items:
            kind = type(item)
            if kind is TupleOf or kind is Call:
                weight += item.weight
                depth = max(depth, item.depth)
            elif kind is Data:
                weight += item.weight
            else:
                weight += 1
        self.weight = weight
        self.depth = depth + 1


class _Collection:
    """A list or dictionary.

    Parameters
    ----------
    passages, number
        What it holds at first may have been passed over: where to have it followed.

    Attributes
    ----------
    used : bool
        Whether a call has taken it: it has copied a list, and relies on a dictionary as it is.
    """

    # A pickle has very many of them: the fewer objects, the less the garbage collector looks at.
    __slots__ = ("_items", "_number", "_passages", "used")

    def __init__(self, passages: Passages | None = None, number: int = 0) -> None:
        self._items: list[Symbol] | None = None
        self._passages = passages
        self._number = number
        self.used = False

    def extend(self, items: list[Symbol]) -> None:
        """Put in items; the collection keeps the list."""
        if self._items is None:
            self._items = items
        else:
            self._items += items

    def fill(self, items: list[Symbol]) -> None:
        """Put in what was passed over, which came first."""
        self._items = items + self.known
        self._passages = None

    @property
    def known(self) -> list[Symbol]:
        """What is in it, without what was passed over."""
        if self._items is None:
            self._items = []
        return self._items

    @property
    def items(self) -> list[Symbol]:
        """What is in it."""
        if self._passages is not None:
            self._passages.follow_up_to(self._number)
        return self.known


class ListOf(_Collection):
    """A list."""

    __slots__ = ()


class DictOf(_Collection):
    """A dictionary: keys and values in turn, as the pickle gives them."""

    __slots__ = ()

    def by_name(self) -> dict[str, Symbol]:
        """Return what it has under keys that are text."""
        pairs = zip(self.items[::2], self.items[1::2], strict=True)
        return {key: value for key, value in pairs if type(key) is str}


class Global(NamedTuple):
    """What the pickle imports: a class or function.

    Attributes
    ----------
    module, name : str
        Where it is found.
    permit : object
        What :mod:`fanfold.persistence.safety.trust` says of it.
    """

    module: str
    name: str
    permit: Any

    def __str__(self) -> str:
        name = f"{self.module}.{self.name}"
        return name if name.isprintable() else ascii(name)  # a terminal would obey the rest


class Call:
    """What a call of a global returns.

    Attributes
    ----------
    function : Global
        What is called.
    arguments : list of Symbol
        What it is given.
    meaning : ArrayShape, TypeOfItems or None
        What is known of the result.
    settled : bool
        Whether it has its state, or is in use without one; numpy's objects then must not get one.
    weight, depth : int
        As those of the tuple of its arguments.
    """

    __slots__ = ("arguments", "depth", "function", "meaning", "settled", "weight")

    def __init__(self, function: Global, arguments: TupleOf) -> None:
        self.function = function
        self.arguments = arguments.items
        self.weight = arguments.weight
        self.depth = arguments.depth
        self.meaning: ArrayShape | TypeOfItems | None = None
        self.settled = False


class TypeOfItems(NamedTuple):
    """A dtype.

    Attributes
    ----------
    text : str
        How to show it.
    size : int or None
        How many bytes an item has; None where only the state will say so.
    has_objects : bool
        Whether there are references to Python objects in these bytes.
    has_fields : bool, default=False
        Whether an item has fields, or is made of items that have.
    depth : int, default=0
        How deep it is nested.
    """

    text: str
    size: int | None
    has_objects: bool
    has_fields: bool = False
    depth: int = 0


class ArrayShape(NamedTuple):
    """An array, as far as its description goes."""

    dtype: TypeOfItems
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many bytes its items have."""
        return (self.dtype.size or 0) * prod(self.shape)


def weight_of(symbol: Symbol) -> int:
    """Return how many steps the hash of what a symbol stands for takes."""
    if type(symbol) in _WEIGHING:
        weight: int = symbol.weight
        return weight
    return 1


_WEIGHING = frozenset((TupleOf, Call, Data))
