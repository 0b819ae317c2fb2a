"""An array as a place in a mapped file, which another process can map too."""

from __future__ import annotations

import os
from mmap import mmap
from typing import Any, NamedTuple

from ._files import MappedFile, file_at, map_file, mapped_file_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    import numpy as np

    from ._files import Identity

    Array = np.ndarray[Any, np.dtype[Any]]

__all__ = ["Reference", "open_reference", "refer"]

_SHARED_MODES = {"r": "r", "r+": "r+", "w+": "r+"}
"""The modes of memory maps that others can see, and how they are to open the file."""


class Reference(NamedTuple):
    """Where an array's memory is, for another process of this machine."""

    path: str
    identity: Identity
    mode: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype[Any]
    is_writeable: bool
    is_memmap: bool


def refer(array: Array) -> tuple[Reference, MappedFile | None] | None:
    """Return a reference to an array's memory, or None where it has none that others can map.

    That is memory of :func:`fanfold.shared_array`, or of a file that is mapped and still has its
    name, but not as a private copy (mode ``'c'``). Views count, whatever their strides.

    Parameters
    ----------
    array : numpy.ndarray
        The array.

    Returns
    -------
    tuple or None
        The reference, and the memory that must stay alive in this process until the reference is
        opened; None in its place where nothing must.
    """
    lender = _lender(array)
    if lender is None or not array.size:
        return None
    if isinstance(lender, MappedFile):
        return _refer_to(lender, array)
    mode = _SHARED_MODES.get(lender.mode)
    if mode is None or lender.filename is None:
        return None
    path, pages = os.fspath(lender.filename), lender.base
    identity = mapped_file_at(path, pages, _address(_start(pages)))
    if identity is None:
        return None
    return _reference(array, path, identity, mode, lender.offset - _address(lender)), None


def _refer_to(file: MappedFile, array: Array) -> tuple[Reference, MappedFile | None] | None:
    path = file.path
    if not file.is_own and file_at(path) != file.identity:
        return None
    reference = _reference(array, path, file.identity, file.mode, -_address(_start(file)))
    return reference, file if file.is_own else None


def open_reference(*fields: Any) -> Array:
    """Return the array that a reference with these fields means, on the same memory.

    Raises
    ------
    OSError
        If the memory is gone, or may not be opened.
    """
    from numpy import memmap, ndarray

    to = Reference(*fields)
    file = map_file(to.path, to.identity, to.mode)
    kind = memmap if to.is_memmap else ndarray
    array: Any = ndarray.__new__(kind, to.shape, to.dtype, file, to.offset, to.strides)
    if to.is_memmap:
        array._mmap, array.filename, array.mode = file, to.path, to.mode
        array.offset = to.offset
    if not to.is_writeable:
        array.flags.writeable = False
    return array  # type: ignore[no-any-return]  # the attributes are not in numpy's stubs


def _lender(array: Array) -> Any:
    """Return the mapped file whose memory an array shows, or the ``numpy.memmap`` that mapped it.

    Views know what lends them their memory: another array, a memoryview, or an object of numpy's
    that has a base too, as sliding windows do.
    """
    lent: Any = array
    while True:
        base = lent.obj if type(lent) is memoryview else getattr(lent, "base", None)
        if base is None:
            return None
        if isinstance(base, mmap):
            if isinstance(base, MappedFile):
                return base
            return lent if _is_memmap(lent) else None
        lent = base


def _reference(
    array: Array, path: str, identity: Identity, mode: str, file_offset: int
) -> Reference:
    """Describe an array in a file whose first byte would be at the address -`file_offset`."""
    return Reference(
        path,
        identity,
        mode,
        _address(array) + file_offset,
        array.shape,
        array.strides,
        array.dtype,
        array.flags.writeable,
        _is_memmap(array),
    )


def _is_memmap(value: object) -> bool:
    from numpy import memmap

    return isinstance(value, memmap)


def _start(pages: mmap) -> Array:
    """Return an empty array at the start of a map."""
    from numpy import ndarray

    return ndarray((0,), "u1", pages)


def _address(array: Array) -> int:
    address: int = array.__array_interface__["data"][0]
    return address
