"""The hash of structures that contain themselves.

A digest of digests has no beginning there. So all members that lead into a cycle start with one
label, and each round gives every such member the digest of its node, made with the labels of the
round before. Members that look alike however deep one follows them keep one label, others part
sooner or later. When a round parts no more of them, one label alone has seen only as far as there
were rounds, but all labels together say everything: where two structures have the same set, their
members match one by one. Neither identity nor the order of the walk matters.

Nothing here is recursive: the functions of a project that know each other are many.
"""

from __future__ import annotations

from functools import partial
from os import urandom

from ._culprit import NoValueError
from ._plain import NOT_PLAIN, atom, in_order, write
from ._words import Guarded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeAlias

    Child: TypeAlias = Callable[[object], object]
    MakeNode: TypeAlias = Callable[[object, Child], object]

__all__ = ["settle"]


def settle(
    root: object,
    make_node: MakeNode,
    digest: Callable[[bytes], bytes],
    give_up: Callable[[Guarded, NoValueError], None],
) -> object:
    """Return the node of a value that contains itself somewhere.

    Parameters
    ----------
    root : object
        The value.
    make_node : callable
        Takes an object and a function, and returns the object's node with each member replaced by
        what the function says.
    digest : callable
        Takes what a node is written as, and returns its label.
    give_up : callable
        Is told of a guarded object that has no value, and why; from then on, `make_node` leaves out
        what is in it.

    Raises
    ------
    NoValueError
        If something in it has no value, and nothing guards it.
    """
    graph = _Graph(root, make_node)
    for guarded, reason in graph.without_value():
        give_up(guarded, reason)
    graph = _Graph(root, make_node)  # without what is in those
    labels: dict[int, bytes] = {}
    label = partial(_labelled, labels)
    for key in graph.leaves_first():
        labels[key] = digest(write(make_node(graph.objects[key], label)))
    members = {key: obj for key, obj in graph.objects.items() if key not in labels}
    labels.update(dict.fromkeys(members, b""))
    latest = {key: digest(write(make_node(obj, label))) for key, obj in members.items()}
    texts = {key: _Text(obj, make_node, len(latest[key])) for key, obj in members.items()}
    n_kinds = 1
    while True:
        labels.update(latest)
        previous_kinds, n_kinds = n_kinds, len(set(latest.values()))
        if n_kinds == previous_kinds:
            return (..., "cyclic", labels[id(root)], sorted(set(latest.values())))
        latest = {key: digest(text.with_labels(labels)) for key, text in texts.items()}


class _Text:
    """What a node is written as, with room for labels: a node is made once, not in each round.

    Where the labels decide about the order of members, it is made anew.
    """

    def __init__(self, obj: object, make_node: MakeNode, size: int) -> None:
        self._obj = obj
        self._make_node = make_node
        self._keys: list[int] = []
        self._pieces = [] if _is_ordered_by_labels(obj) else self._cut(size)

    def with_labels(self, labels: Mapping[int, bytes]) -> bytes:
        """Return the text with the members' labels in it."""
        if not self._pieces:
            return write(self._make_node(self._obj, partial(_labelled, labels)))
        text = [self._pieces[0]]
        for key, piece in zip(self._keys, self._pieces[1:], strict=True):
            text += labels[key], piece
        return b"".join(text)

    def _cut(self, size: int) -> list[bytes]:
        """Return the text around the labels, or nothing if it cannot be told where they are."""
        marks: list[bytes] = []

        def mark(member: object) -> object:
            tree = atom(member)
            if tree is not NOT_PLAIN:
                return tree
            self._keys.append(id(member))
            marks.append(urandom(size))
            return marks[-1]

        rest = write(self._make_node(self._obj, mark))
        pieces: list[bytes] = []
        for label in marks:
            piece, found, rest = rest.partition(label)
            if not found:
                return []
            pieces.append(piece)
        return [*pieces, rest]


def _is_ordered_by_labels(obj: object) -> bool:
    return isinstance(obj, (set, frozenset)) or (type(obj) is dict and in_order(obj) is None)


def _labelled(labels: Mapping[int, bytes], member: object) -> object:
    tree = atom(member)
    return labels[id(member)] if tree is NOT_PLAIN else tree


class _Graph:
    """Everything that can be reached from a value, and what leads to what.

    Attributes
    ----------
    objects : dict
        All but the atoms, by id.
    """

    def __init__(self, root: object, make_node: MakeNode) -> None:
        self.objects: dict[int, object] = {id(root): root}
        self._root = id(root)
        self._n_members: dict[int, int] = {}
        self._holders: dict[int, list[int]] = {}
        self._failed: dict[int, NoValueError] = {}
        waiting = [root]
        while waiting:
            obj = waiting.pop()
            members: dict[int, object] = {}
            try:
                make_node(obj, partial(_note, members))
            except NoValueError as error:
                self._failed[id(obj)] = error
            self._n_members[id(obj)] = len(members)
            waiting += [member for key, member in members.items() if key not in self.objects]
            self.objects.update(members)
            for key in members:
                self._holders.setdefault(key, []).append(id(obj))

    def without_value(self) -> list[tuple[Guarded, NoValueError]]:
        """Return the guarded objects in which something has no value, each with what.

        Raises
        ------
        NoValueError
            If something that is not guarded has none.
        """
        guarded: list[tuple[Guarded, NoValueError]] = []
        waiting = list(self._failed.items())
        seen = set(self._failed)
        while waiting:
            key, error = waiting.pop()
            obj = self.objects[key]
            if isinstance(obj, Guarded):
                guarded.append((obj, error))
                continue
            if key == self._root:
                raise error
            waiting += [(holder, error) for holder in self._holders[key] if holder not in seen]
            seen.update(self._holders[key])
        return guarded

    def leaves_first(self) -> Iterator[int]:
        """Yield the ids of all that do not lead into a cycle, members before their holders."""
        n_open = dict(self._n_members)
        ready = [key for key, n_members in n_open.items() if not n_members]
        while ready:
            key = ready.pop()
            yield key
            for holder in self._holders.get(key, ()):
                n_open[holder] -= 1
                if not n_open[holder]:
                    ready.append(holder)


def _note(members: dict[int, object], member: object) -> object:
    tree = atom(member)
    if tree is not NOT_PLAIN:
        return tree
    members[id(member)] = member
    return b""  # in sets, members are written at once
