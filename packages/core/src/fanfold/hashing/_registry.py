"""Which hasher is responsible for which type.

A hasher is a function from an object to its stand-in: a simpler object that is hashed in its place.
Hashers of libraries live in modules of their own ("rooms"), which are imported when the first
object of their library is met; they register as everybody else does.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from threading import RLock
from weakref import WeakKeyDictionary

from ..errors import InvalidArgumentError
from ._names import current_name, qualified_name
from ._plain import ATOMS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    HasherFunction: TypeAlias = Callable[[Any], object]

__all__ = ["Hasher", "find_hasher", "register_hasher"]

_BUILT_IN_FORMS = ATOMS | {float, bytes, list, tuple, dict, set, frozenset}


class Hasher:
    """A registered function with the name under which its stand-ins are hashed."""

    __slots__ = ("function", "name", "subclasses")

    def __init__(self, name: str, function: HasherFunction, subclasses: bool) -> None:
        self.name = name
        self.function = function
        self.subclasses = subclasses


class _Registry:
    """The hashers of this process, by type and by qualified name.

    Its life is the process's. `_found` remembers what a class's bases led to, without keeping the
    class alive. While one thread opens a room, others wait: the hash of an object must not depend
    on who asks first.
    """

    def __init__(self, rooms: dict[str, str]) -> None:
        self._by_type: dict[type, Hasher] = {}
        self._by_name: dict[str, Hasher] = {}
        self._rooms = rooms
        self._found: WeakKeyDictionary[type, Hasher | None] = WeakKeyDictionary()
        self._reset()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        # Reentrant, because rooms register their hashers. In a forked child nobody holds it.
        self._lock = RLock()

    def add(self, key: type | str, hasher: Hasher) -> None:
        with self._lock:
            if isinstance(key, str):
                if key.partition(".")[0] in sys.modules:
                    self._open_room(key)  # or it would later take the place of this hasher
                self._by_name[key] = hasher
            else:
                self._open_room(qualified_name(key))
                self._by_type[key] = hasher
            self._found.clear()

    def find(self, kind: type) -> Hasher | None:
        try:
            return self._found[kind]
        except KeyError:
            with self._lock:
                hasher = self._found[kind] = self._search(kind)
                return hasher

    def _search(self, kind: type) -> Hasher | None:
        for base in kind.__mro__:
            name = qualified_name(base)
            self._open_room(name)
            hasher = self._by_type.get(base) or self._by_name.get(name)
            if hasher is not None and (base is kind or hasher.subclasses):
                return hasher
        return None

    def _open_room(self, name: str) -> None:
        room = self._rooms.pop(name.partition(".")[0], None)
        if room is not None:
            registered_before = dict(self._by_name)
            import_module(room, __package__)
            self._by_name.update(registered_before)


_REGISTRY = _Registry(
    {
        "numpy": "._numpy",
        "pandas": "._pandas",
        "polars": "._polars",
        "pyarrow": "._pyarrow",
        "scipy": "._scipy",
        "torch": "._torch",
    }
)


def register_hasher(
    type_or_name: type | str, function: HasherFunction, *, subclasses: bool = True
) -> None:
    """Have objects of a type hashed by a simpler object that stands for their value.

    Equal stand-ins give equal hashes. The type's name always counts, so objects of two types never
    have one hash, whatever their stand-ins. A second registration takes the place of the first.

    Parameters
    ----------
    type_or_name : type or str
        The type, or its name as in ``"package.module.Class"``, which does not import the package.
    function : callable
        Takes the object and returns its stand-in: anything that can be hashed, such as a tuple of
        the attributes that make up the value, with arrays and other objects in it. It may raise
        :class:`fanfold.errors.UnhashableValueError` for an object that has no value.
    subclasses : bool, default=True
        Whether it is also responsible for subclasses, whose own name then counts too. A subclass
        with attributes of its own needs a hasher of its own.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If the type is one whose hash is fixed (``int``, ``list``, ``dict`` ...), the name has no
        module in it, or `function` cannot be called.

    Examples
    --------
    >>> from fanfold.hashing import hash, register_hasher
    >>> class Temperature:
    ...     def __init__(self, celsius):
    ...         self.celsius = celsius
    ...         self.shown = []  # a cache, not part of the value
    >>> register_hasher(Temperature, lambda temperature: temperature.celsius)
    >>> warm, same = Temperature(20), Temperature(20)
    >>> same.shown.append("20 °C")
    >>> hash(warm) == hash(same)
    True
    """
    if isinstance(type_or_name, str):
        name = type_or_name = current_name(type_or_name)
        if "." not in name:
            raise InvalidArgumentError(
                f"register_hasher({name!r}, ...) needs the name with its module, as in "
                "'package.module.Class'"
            )
    elif type_or_name in _BUILT_IN_FORMS:
        raise InvalidArgumentError(
            f"the hash of {type_or_name.__name__!r} is fixed and cannot be registered anew; "
            "register a subclass, and hash objects of that"
        )
    else:
        name = qualified_name(type_or_name)
    if not callable(function):
        raise InvalidArgumentError(
            f"register_hasher({name!r}, {function!r}) needs a function from the object to what "
            "stands for its value"
        )
    _REGISTRY.add(type_or_name, Hasher(name, function, subclasses))


def find_hasher(kind: type) -> Hasher | None:
    """Return the hasher that is responsible for a type, or None."""
    return _REGISTRY.find(kind)
