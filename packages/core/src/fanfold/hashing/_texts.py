"""Columns of text: equal in every library's memory, hashed without making strings of them."""

from __future__ import annotations

import sys

from ._words import Chunks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from ._algorithms import Piece

__all__ = ["column_of_strings", "run_of", "text_of"]


def text_of(lengths: np.ndarray[Any, Any], data: Piece) -> object:
    """Return a stand-in for texts, or runs of bytes, that lie one after the other.

    Parameters
    ----------
    lengths : numpy.ndarray of int
        How many bytes each has.
    data : bytes-like
        All bytes; of text, in UTF-8.
    """
    return lengths.astype("<i8", copy=False), run_of(data)


def run_of(data: Piece) -> Chunks:
    """Return a stand-in for a run of bytes."""
    return Chunks(len(data), lambda: (data,))


def column_of_strings(strings: list[str], missing: np.ndarray[Any, Any]) -> object:
    """Return what `_arrow_columns.column_of` says of text, for strings of Python's.

    Parameters
    ----------
    strings : list of str
        Those that are there.
    missing : numpy.ndarray of bool
        Where there is none.
    """
    text = _text_of_strings(strings) if strings else None
    return len(missing), (missing if missing.any() else None), text


def _text_of_strings(strings: list[str]) -> object:
    np = sys.modules["numpy"]
    joined = "".join(strings)
    if joined.isascii():  # three times as fast as one by one
        return text_of(np.fromiter(map(len, strings), "<i8", len(strings)), joined.encode())
    # Arrow has no halves of surrogate pairs, but Python's strings may.
    encoded = [string.encode("utf-8", "surrogatepass") for string in strings]
    return text_of(np.fromiter(map(len, encoded), "<i8", len(encoded)), b"".join(encoded))
