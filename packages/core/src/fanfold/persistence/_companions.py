"""Arrays of joblib before 0.10, which kept each in a file of its own beside the pickle.

Uncompressed, these are files of numpy. Compressed, they are "Z-files": the letters ``ZF``, the
length as a hexadecimal number, and a zlib stream; the pickle itself is then one too.
"""

from __future__ import annotations

import math
import os
from typing import Any, BinaryIO, cast

from ..errors import CorruptFileError
from ._arrays import copied_array, mapped_array
from ._inflating import Rest, inflating
from ._mapping import map_file
from ._sources import FileSource

TYPE_CHECKING = False
if TYPE_CHECKING:
    import io
    from collections.abc import Callable

    import numpy as np

    from ._arrays import Array
    from ._sources import ReadableFile

__all__ = ["ZFILE", "ArrayFile", "Companions", "ZippedArrayFile", "inflating_zfile"]

ZFILE = b"ZF"
_ZLIB_START = b"x"
_ZFILE_LENGTH = 19  # of a hexadecimal number up to 2^64, filled up with spaces


class ArrayFile:
    """What is pickled in an array's place: its file, which is one of numpy."""

    filename: str
    subclass: type
    allow_mmap: bool = True  # since joblib 0.9


class ZippedArrayFile:
    """What is pickled in the place of an array whose file is compressed."""

    filename: str
    init_args: tuple[Any, ...]  # the class, and what does not matter
    state: tuple[Any, ...]  # a version, the shape, the dtype, whether it is in Fortran's order


class Companions:
    """The files beside a pickle.

    Parameters
    ----------
    path : str or None
        The pickle's own path; None where it is not known.
    place : str
        What to call it in messages.
    mode : str or None
        ``"r"``, ``"r+"`` or ``"c"`` to map arrays.
    native : bool
        Whether arrays that are not mapped get this machine's byte order.
    load_objects : callable
        Loads a pickle from a file object, as the pickle itself is loaded.
    """

    def __init__(
        self,
        path: str | None,
        place: str,
        mode: str | None,
        *,
        native: bool,
        load_objects: Callable[[BinaryIO], object],
    ) -> None:
        self._path = path
        self._place = place
        self._mode = mode
        self._native = native
        self._load_objects = load_objects

    def array(self, described: ArrayFile) -> object:
        """Return the array of a file of numpy.

        Raises
        ------
        fanfold.errors.CorruptFileError
            If it is damaged, or cannot be beside the pickle.
        FileNotFoundError
            If it is not there.
        """
        mode = self._mode if described.allow_mmap else None
        with open(self._beside(described.filename), "r+b" if mode == "r+" else "rb") as file:
            place = repr(file.name)
            shape, fortran, dtype = _npy_header(file, place)
            if dtype.hasobject:
                return self._load_objects(file)
            size = dtype.itemsize * math.prod(shape)
            order = "F" if fortran else "C"
            if mode is None:
                buffer = FileSource(file, place).receive(size, "the array")
                array = copied_array(native=self._native)(buffer, dtype, shape, order)
            else:
                mapped = map_file(file, place, mode)
                view = memoryview(mapped.pages)[file.tell() :]
                if len(view) < size:
                    raise CorruptFileError(
                        f"{place} is truncated: its array has {size} bytes, but {len(view)} are "
                        "there"
                    )
                array = mapped_array(mapped)(view[:size], dtype, shape, order)
        return in_class(array, described.subclass)

    def zipped_array(self, described: ZippedArrayFile) -> object:
        """Return the array of a compressed file; raises as :meth:`array` does."""
        _, shape, dtype, fortran = described.state
        with open(self._beside(described.filename), "rb") as file:
            place = repr(file.name)
            source = FileSource(inflating_zfile(file, place), place)
            buffer = source.receive(dtype.itemsize * math.prod(shape), "the array")
        order = "F" if fortran else "C"
        array = copied_array(native=self._native)(buffer, dtype, tuple(shape), order)
        return in_class(array, described.init_args[0])

    def _beside(self, name: str) -> str:
        if os.path.basename(name) != name:
            raise CorruptFileError(
                f"{self._place} keeps an array in the file {name!r}, which is not beside it"
            )
        if self._path is None:
            raise CorruptFileError(
                f"{self._place} keeps an array in the file {name!r} beside it: load it by its path"
            )
        return os.path.join(os.path.dirname(self._path), name)


def in_class(array: Array, subclass: type) -> object:
    """Return the array as one of the class it had; a memory map was never kept as such."""
    return array if subclass.__name__ in ("ndarray", "memmap") else array.view(subclass)


def inflating_zfile(file: ReadableFile, place: str) -> io.BufferedReader:
    """Return what a Z-file holds.

    Parameters
    ----------
    file : file object
        The file, at its first byte.
    place : str
        What to call it in messages.
    """
    start = FileSource(file, place).take(len(ZFILE) + _ZFILE_LENGTH + 1, "the beginning")
    if not start.startswith(ZFILE):
        raise CorruptFileError(f"{place} does not start with {ZFILE!r} but with {start[:2]!r}")
    first = start[-1:].strip(b" ")  # joblib up to 0.8.4 wrote one space more
    return cast("io.BufferedReader", inflating(Rest(file, first), _ZLIB_START, place))


def _npy_header(file: BinaryIO, place: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    from numpy.lib import format as npy

    try:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = read(file)
    except ValueError as error:
        raise CorruptFileError(f"{place} is no file of numpy, or damaged: {error}") from error
    return shape, fortran, dtype
