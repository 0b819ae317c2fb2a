"""Passages of a pickle that hold only plain values, passed over instead of followed step by step.

A list of a hundred thousand records has a million opcodes. Regular expressions find where they end
in a tenth of the time that it takes to follow each. What a passage stands for is found out only if
something asks for it, by following it after all.

No passage makes a tuple of something that was there before: tuples of tuples are how a few bytes
take for ever to be hashed. And no argument in a passage has the byte of the opcode MEMOIZE in it,
so that counting these bytes counts what the passage remembers.
"""

from __future__ import annotations

import re
import struct
from functools import cache
from itertools import chain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Match = Callable[[bytes, int], re.Match[bytes] | None]

__all__ = [
    "END_OF_PAIR",
    "END_OF_TRIPLE",
    "MEMOIZE",
    "MEMOIZE_AND_MARK",
    "container",
    "integers_in",
    "records",
    "row_of_floats",
    "row_of_integers",
    "row_of_texts",
    "texts_in",
    "tuples",
]

MEMOIZE = b"\x94"
END_OF_PAIR, END_OF_TRIPLE = b"\x86\x94", b"\x87\x94"
MEMOIZE_AND_MARK = b"\x94("
"""In records, they are nowhere but at the beginning of each."""

_BYTE = rb"[^\x94]"
_ASCII = rb"[\x00-\x7f]"
_LONGEST_TEXT = 64
_LONGEST_INTEGER = 8
_INTEGERS = {b"K": "<xB", b"M": "<xH", b"J": "<xi"}


@cache
def records() -> Match:
    """Return what matches dictionaries of atoms, one after the other."""
    return _compiled(rb"(?:\}\x94\((?:" + _atoms() + rb")*+u)++")


@cache
def container() -> Match:
    """Return what matches a list or dictionary of atoms, and of lists and dictionaries of atoms."""
    atoms = _atoms()
    return _compiled(_filled(atoms + b"|" + _filled(atoms)))


@cache
def tuples() -> Match:
    """Return what matches tuples of two or three constants, one after the other."""
    text = _text(rb"[^\x85-\x87\x94]")  # so that counting ends of tuples counts tuples
    constant = b"(?>[N\x88\x89]|" + _numbers() + b"|" + text + rb"\x94)"
    return _compiled(b"(?:" + 2 * constant + rb"(?:\x86|" + constant + rb"\x87)\x94)++")


@cache
def row_of_texts() -> Match:
    """Return what matches some texts in ASCII."""
    return _compiled(b"(?:" + _text(_ASCII) + rb"\x94){4,}+")


@cache
def row_of_floats() -> Match:
    """Return what matches some floats."""
    return _compiled(rb"(?:G.{8}){4,}+")


@cache
def row_of_integers() -> Match:
    """Return what matches some integers that are written with as many bytes each."""
    return _compiled(rb"(?:K.){4,}+|(?:M..){4,}+|(?:J.{4}){4,}+")


def texts_in(row: bytes) -> list[str]:
    """Return the texts in a row of them."""
    return [text[2:] for text in row[:-1].decode("latin-1").split("\x94")]


def integers_in(row: bytes) -> list[int]:
    """Return the integers in a row of them."""
    return list(chain.from_iterable(struct.iter_unpack(_INTEGERS[row[:1]], row)))


def _compiled(pattern: bytes) -> Match:
    return re.compile(pattern, re.DOTALL).match


def _filled(members: bytes) -> bytes:
    """Return the pattern of a container that gets all its members at once, or its only one."""
    members = b"(?:" + members + b")*+"
    return rb"[}\]]\x94(?:\(" + members + b"[ue]|" + members + b"[sa])"


def _atoms() -> bytes:
    """Return the pattern of atoms, which may have been there before, and of remembering them."""
    before = b"h" + _BYTE + b"|j" + _BYTE + b"{4}"
    return rb"[N\x88\x89\x94]++|" + before + b"|" + _numbers() + b"|" + _text(_BYTE)


def _numbers() -> bytes:
    integers = (rb"\x%02x" % size + _BYTE + b"{%d}" % size for size in range(_LONGEST_INTEGER + 1))
    return (
        rb"K%(b)b|G%(b)b{8}|M%(b)b{2}|J%(b)b{4}" % {b"b": _BYTE}
        + rb"|\x8a(?:"
        + b"|".join(integers)
        + b")"
    )


def _text(byte: bytes) -> bytes:
    texts = (rb"\x%02x" % size + byte + b"{%d}" % size for size in range(_LONGEST_TEXT))
    return rb"\x8c(?:" + b"|".join(texts) + b")"
