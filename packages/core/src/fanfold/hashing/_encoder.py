"""From a value to its canonical hash.

The hash is that of a tree of digests. A container of atoms is written as it is (see ``_plain``);
in any other container, each member that is itself a container or an object is replaced by its own
digest. So the members of sets and dicts can be sorted, whatever they are; an object that is met
twice costs once; and whether it is met twice, or two equal objects once each, makes no difference.
"""

from __future__ import annotations

from ..errors import UnhashableValueError
from ._blocks import digest_of_chunks
from ._culprit import NoValueError, path_to
from ._cycles import settle
from ._names import is_library_module, qualified_name
from ._plain import ATOMS, NOT_PLAIN, atom, flat, in_order, write
from ._reduce import Reduced, reduce
from ._registry import find_hasher
from ._told import tell_once
from ._words import Chunks, Guarded, Named, Tagged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Set
    from typing import Any, TypeAlias

    from ._algorithms import Algorithm
    from ._registry import HasherFunction

    Child: TypeAlias = Callable[[object], object]

__all__ = ["Encoder"]

_LEVELS = 100  # of some four Python frames each, where the interpreter allows 1,000


class _CycleMetError(Exception):
    """An object was met inside itself; this never leaves the module."""


class _TooDeepError(Exception):
    """An object was met too many levels down; this never leaves the module."""

    def __init__(self, obj: object) -> None:
        super().__init__(obj)
        self.obj = obj


class Encoder:
    """Digests of values; made for one hash or one fingerprint, and then dropped.

    What it remembers, it remembers by ``id``. So it keeps alive what it has seen, because the
    stand-ins that hashers make would else be collected and their ids given to others.

    Parameters
    ----------
    algorithm : Algorithm
        The hash function.
    follows_classes : bool, default=False
        Whether the code of its class counts with each object of a class of the user's own project,
        as it does for what a function depends on.
    """

    def __init__(self, algorithm: Algorithm, *, follows_classes: bool = False) -> None:
        self._algorithm = algorithm
        self._follows_classes = follows_classes
        self._hashers: dict[type, tuple[HasherFunction | None, str]] = {}
        self._sealed: dict[int, bytes] = {}
        self._active: dict[int, None] = {}
        self._stand_ins: dict[int, Any] = {}
        self._deepest = _LEVELS
        self._failed: dict[int, NoValueError] = {}
        self._opaque: set[int] = set()
        self._kept: list[object] = []

    def digest(self, obj: object) -> bytes:
        """Return the digest of a value.

        Raises
        ------
        fanfold.errors.UnhashableValueError
            If it, or something in it, has no value.
        """
        try:
            return self._seal(self._tree(obj))
        except NoValueError as stop:
            culprit = path_to(obj, stop.culprit, self._stand_ins)
            raise UnhashableValueError(
                f"{culprit} is a '{qualified_name(type(stop.culprit))}', which has no value to "
                f"hash: {stop.reason}. Leave it out of the object's state (__getstate__), or say "
                "what counts with fanfold.hashing.register_hasher"
            ) from stop.__cause__
        except RecursionError as error:
            raise UnhashableValueError(
                f"a '{qualified_name(type(obj))}' is nested too deeply to be hashed by value: "
                "flatten it, or raise sys.setrecursionlimit"
            ) from error

    def digest_of(self, member: object) -> bytes | None:
        """Return the digest of something that was met in what was hashed, but for atoms."""
        return self._sealed.get(id(member))

    def has_value(self, guarded: Guarded) -> bool:
        """Tell whether what is guarded had a value, after it was hashed."""
        return id(guarded) not in self._opaque

    def _tree(self, obj: object) -> object:
        tree = atom(obj)
        if tree is not NOT_PLAIN:
            return tree
        try:
            return self._deep_node(obj)
        except _CycleMetError:
            return settle(obj, self._node, self._algorithm.digest, self._give_up)

    def _deep_node(self, root: object) -> object:
        """Return the node of the root, however deep the way to its innermost members is.

        What lies too many levels down is taken up here, from an empty stack; then the way to it is
        gone once more, and its digest is there already.
        """
        waiting = [root]
        while True:
            self._active = {id(obj): None for obj in waiting}
            self._deepest = len(waiting) + _LEVELS
            obj = waiting[-1]
            try:
                node = self._node(obj, self._child)
            except _TooDeepError as stop:
                waiting.append(stop.obj)
                continue
            except NoValueError as stop:
                if len(waiting) == 1:
                    raise
                self._failed[id(obj)] = stop
            else:
                if len(waiting) == 1:
                    return node
                self._sealed[id(obj)] = self._seal(node)
            self._kept.append(waiting.pop())

    def _seal(self, node: object) -> bytes:
        """Return what stands for a node in the tree of its container."""
        return self._algorithm.digest(write(node))

    def _child(self, obj: object) -> object:
        """Return what stands for a member in the tree of its container."""
        if type(obj) in ATOMS:
            return obj
        tree = atom(obj)
        if tree is not NOT_PLAIN:
            return tree
        key = id(obj)
        sealed = self._sealed.get(key)
        if sealed is None:
            if key in self._active:
                raise _CycleMetError
            if key in self._failed:
                raise self._failed[key]
            if len(self._active) == self._deepest:
                raise _TooDeepError(obj)
            self._active[key] = None
            self._kept.append(obj)
            sealed = self._sealed[key] = self._seal(self._node(obj, self._child))
            del self._active[key]
        return sealed

    def _node(self, obj: Any, child: Child) -> object:
        """Return the tree of anything but an atom, its members replaced by what `child` says."""
        kind = type(obj)
        if kind is list or kind is tuple:
            flattened = flat(obj)
            return kind(map(child, obj)) if flattened is NOT_PLAIN else flattened
        if kind is dict:
            return _dict_node(obj, child)
        if kind is set or kind is frozenset:
            return _set_node(obj, child)
        if kind is bytes or kind is bytearray:
            chunks = Chunks(len(obj), lambda: (obj,))
            return (..., kind.__name__, len(obj), digest_of_chunks(self._algorithm, chunks))
        if kind is Chunks:
            return (..., "chunks", obj.nbytes, digest_of_chunks(self._algorithm, obj))
        if kind is Guarded:
            return self._guarded_node(obj, child)
        if kind is Named:
            return (..., "named", child(obj.value))
        if obj is ...:
            return (..., "...")
        return self._object_node(obj, child)

    def _guarded_node(self, guarded: Guarded, child: Child) -> tuple[object, ...]:
        """Return the node of something that need not have a value."""
        unknown = (..., "unknown", qualified_name(type(guarded.value)))
        if id(guarded) in self._opaque:
            return unknown
        depth = len(self._active)
        try:
            return (..., "known", child(guarded.value))
        except NoValueError as stop:
            while len(self._active) > depth:
                self._active.popitem()
            self._give_up(guarded, stop)
            return unknown

    def _give_up(self, guarded: Guarded, stop: NoValueError) -> None:
        """From now on, take the guarded object for one without a value."""
        self._opaque.add(id(guarded))
        tell_once(guarded, path_to(guarded.value, stop.culprit, self._stand_ins), stop.reason)

    def _object_node(self, obj: object, child: Child) -> tuple[object, ...]:
        stand_in = self._stand_in(obj)
        node: tuple[object, ...]
        if type(stand_in) is Reduced:
            members = (stand_in.arguments, stand_in.state, stand_in.items, stand_in.mapping)
            node = (..., "object", stand_in.kind, stand_in.maker, *map(child, members))
        elif type(stand_in.value) is tuple:
            node = (..., "parts", stand_in.name, *map(child, stand_in.value))
        else:
            node = (..., "value", stand_in.name, child(stand_in.value))
        if self._follows_classes and not is_library_module(type(obj).__module__):
            return (*node, child(type(obj)))
        return node

    def _stand_in(self, obj: object) -> Any:
        """Return what the hasher of the object's type says of it, asked once for each object."""
        stand_in = self._stand_ins.get(id(obj))
        if stand_in is None:
            try:
                stand_in = self._ask_hasher(obj)
            except RecursionError:
                raise
            except Exception as error:
                raise NoValueError(obj, str(error)) from error
            self._stand_ins[id(obj)] = stand_in
        return stand_in

    def _ask_hasher(self, obj: object) -> Reduced | Tagged:
        kind = type(obj)
        known = self._hashers.get(kind)
        if known is None:
            known = self._hashers[kind] = _hasher_of(kind)
        function, name = known
        if function is None:
            return reduce(obj)
        value = function(obj)
        return value if type(value) is Tagged else Tagged(name, value)


def _hasher_of(kind: type) -> tuple[HasherFunction | None, str]:
    """Return the function that makes stand-ins for a type, and the name for them."""
    hasher = find_hasher(kind)
    name = qualified_name(kind)
    if hasher is None:
        return None, name
    return hasher.function, name if name == hasher.name else f"{hasher.name} {name}"


def _dict_node(mapping: dict[object, object], child: Child) -> object:
    keys = in_order(mapping)
    if keys is None:
        pairs = [write((child(key), child(value))) for key, value in mapping.items()]
        return (..., "pairs", sorted(pairs))
    values = [mapping[key] for key in keys]
    flattened = flat(values)
    return (..., "dict", keys, [*map(child, values)] if flattened is NOT_PLAIN else flattened)


def _set_node(members: Set[object], child: Child) -> object:
    name = type(members).__name__
    ordered = in_order(members)
    if ordered is None:
        return (..., name, sorted([write(child(member)) for member in members]))
    return (..., name, "ordered", ordered)
