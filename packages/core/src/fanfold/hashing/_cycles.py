"""The hash of structures that contain themselves.

A digest of digests has no beginning there. So all members start with one label, and each round
gives every member the digest of its node, made with the labels of the round before. Members that
look alike however deep one follows them keep one label, others part sooner or later. When a round
parts no more of them, one label alone has seen only as far as there were rounds, but all labels
together say everything: where two structures have the same set, their members match one by one.
Neither identity nor the order of the walk matters.
"""

from __future__ import annotations

from ._plain import NOT_PLAIN, atom
from ._words import Guarded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Child: TypeAlias = Callable[[object], object]
    MakeNode: TypeAlias = Callable[[object, Child], object]

__all__ = ["settle"]


def settle(root: object, make_node: MakeNode, seal: Callable[[object], bytes]) -> object:
    """Return the node of a value that contains itself somewhere.

    Parameters
    ----------
    root : object
        The value.
    make_node : callable
        Takes an object and a function, and returns the object's node with each member replaced by
        what the function says.
    seal : callable
        Takes a node and returns its label.
    """
    members = _Members(make_node, seal)
    members.collect(root)
    labels = dict.fromkeys(members.open, b"") | members.closed
    n_kinds = 1

    def label(obj: object) -> object:
        tree = atom(obj)
        return labels[id(obj)] if tree is NOT_PLAIN else tree

    while True:
        latest = {key: seal(make_node(obj, label)) for key, obj in members.open.items()}
        labels.update(latest)
        previous_kinds, n_kinds = n_kinds, len(set(latest.values()))
        if n_kinds == previous_kinds:
            return (..., "cyclic", labels[id(root)], sorted(set(latest.values())))


class _Members:
    """Everything that can be reached from a value.

    Attributes
    ----------
    open : dict
        The objects with members, by id.
    closed : dict
        The final labels of those without, such as arrays, which need not be hashed every round.
    """

    def __init__(self, make_node: MakeNode, seal: Callable[[object], bytes]) -> None:
        self.open: dict[int, object] = {}
        self.closed: dict[int, bytes] = {}
        self._make_node = make_node
        self._seal = seal
        self._n_links = 0

    def collect(self, obj: object) -> object:
        tree = atom(obj)
        if tree is not NOT_PLAIN:
            return tree
        self._n_links += 1
        key = id(obj)
        if key in self.open or key in self.closed:
            return None
        self.open[key] = obj
        n_open, n_links = len(self.open), self._n_links
        node = self._make_node(obj, self.collect)
        opaque = type(obj) is Guarded and node[1] == "unknown"  # type: ignore[index]  # a tuple
        while opaque and len(self.open) > n_open:  # the members of what has no value do not count
            self.open.popitem()
        if opaque or self._n_links == n_links:
            del self.open[key]
            self.closed[key] = self._seal(node)
        return None
