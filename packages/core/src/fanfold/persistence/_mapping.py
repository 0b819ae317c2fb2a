"""Memory maps of files that arrays are loaded from."""

from __future__ import annotations

import mmap
import os
import warnings
from typing import BinaryIO, NamedTuple

from ..errors import FanfoldWarning, InvalidArgumentError

__all__ = ["FileMap", "map_file", "normal_mode", "warn_unmapped"]

_MODES = {
    "r": "r",
    "readonly": "r",
    "r+": "r+",
    "readwrite": "r+",
    "w+": "r+",  # joblib's rule: the values that are there are never wiped
    "write": "r+",
    "c": "c",
    "copyonwrite": "c",
}
_ACCESS = {"r": mmap.ACCESS_READ, "r+": mmap.ACCESS_WRITE, "c": mmap.ACCESS_COPY}


class FileMap(NamedTuple):
    """A whole file in memory: one map for all its arrays, since a process has only so many."""

    pages: mmap.mmap
    path: str | None
    mode: str


def normal_mode(mmap_mode: str | None) -> str | None:
    """Return None, ``"r"``, ``"r+"`` or ``"c"`` for what the user gave.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If it is none of numpy's modes.
    """
    if mmap_mode is None:
        return None
    mode = _MODES.get(mmap_mode) if isinstance(mmap_mode, str) else None
    if mode is None:
        raise InvalidArgumentError(
            f"mmap_mode={mmap_mode!r} is not among None, {', '.join(map(repr, _MODES))}"
        )
    return mode


def map_file(file: BinaryIO, place: str, mode: str) -> FileMap:
    """Map the whole of a file on disk.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If it is to be written to, but open for reading only.
    """
    try:
        pages = mmap.mmap(file.fileno(), 0, access=_ACCESS[mode])
    except PermissionError as error:
        raise InvalidArgumentError(
            f"mmap_mode={mode!r} needs {place} to be open for writing too: open it with 'r+b'"
        ) from error
    name = file.name
    path = os.path.abspath(os.fsdecode(name)) if isinstance(name, str | bytes) else None
    return FileMap(pages, path, mode)


def warn_unmapped(mode: str, problem: str, *, stacklevel: int) -> None:
    """Tell that arrays cannot be mapped, and what happens instead.

    Parameters
    ----------
    mode : str
        How they should be mapped.
    problem : str
        Why they cannot be.
    stacklevel : int
        How far the user's call is from the caller's, which is 1.
    """
    warnings.warn(
        f"mmap_mode={mode!r} has no effect: {problem}, so its arrays are loaded into memory",
        FanfoldWarning,
        stacklevel=stacklevel + 1,
    )
