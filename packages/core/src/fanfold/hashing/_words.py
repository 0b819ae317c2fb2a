"""The few words beyond plain values that a stand-in can be made of.

A hasher answers "what is the value of this object?" with a simpler object, its *stand-in*. Most
are tuples and dicts; these words say what plain values cannot.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ._algorithms import Piece

__all__ = ["Chunks", "Guarded", "Named", "Tagged"]


class Tagged:
    """A stand-in under a name of its own choice, where the object's class does not count."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: object) -> None:
        self.name = name
        self.value = value


class Named:
    """A part of a stand-in, with what is added to the object's own name to spell it.

    Only errors show it: ``Named("['age']", values)`` in the stand-in of a table has something in
    that column called ``table['age'][3]``.
    """

    __slots__ = ("spelling", "value")

    def __init__(self, spelling: str, value: object) -> None:
        self.spelling = spelling
        self.value = value


class Chunks:
    """A long run of bytes that is hashed piece by piece, without being joined or kept.

    Parameters
    ----------
    nbytes : int
        How many there are.
    pieces : callable
        Returns them in order, in pieces of any length.
    clean : callable, optional
        Takes some of the bytes, as many as their items or a multiple, and returns those to hash.
        Several threads may call it at once.
    """

    __slots__ = ("clean", "nbytes", "pieces")

    def __init__(
        self,
        nbytes: int,
        pieces: Callable[[], Iterable[Piece]],
        clean: Callable[[Piece], Piece] | None = None,
    ) -> None:
        self.nbytes = nbytes
        self.pieces = pieces
        self.clean = clean


class Guarded:
    """Something that a function depends on, and that need not have a value.

    Where it has none, its type's name counts in its place, and a warning tells so once.

    Parameters
    ----------
    value : object
        What the function depends on.
    owner : str
        The function's name, for the warning.
    part : str
        What `value` is to the function, such as ``"global LOCK"``.
    """

    __slots__ = ("owner", "part", "value")

    def __init__(self, value: object, owner: str, part: str) -> None:
        self.value = value
        self.owner = owner
        self.part = part
