"""Arrays of joblib before 0.10, which kept each in a file of its own beside the pickle.

Uncompressed, these are files of numpy. Compressed, they are "Z-files": the letters ``ZF``, the
length as a hexadecimal number, and a zlib stream; the pickle itself is then one too.
"""

from __future__ import annotations

import math
import os
import pickle
from typing import Any, BinaryIO

from ..errors import CorruptFileError
from ._arrays import copied_array, mapped_array
from ._inflating import inflating_zfile
from ._mapping import map_file
from ._sources import FileSource, MappedSource

TYPE_CHECKING = False
if TYPE_CHECKING:
    import numpy as np

    from ._arrays import Array

__all__ = ["ArrayFile", "Companions", "array_file_class", "in_class"]


class ArrayFile:
    """What is pickled in an array's place: its file, which is one of numpy."""

    filename: str
    subclass: type
    allow_mmap: bool = True  # since joblib 0.9


class ZippedArrayFile(ArrayFile):
    """What is pickled in the place of an array whose file is compressed."""

    init_args: tuple[Any, ...]  # the class, and what does not matter
    state: tuple[Any, ...]  # a version, the shape, the dtype, whether it is in Fortran's order


_CLASSES = {"NDArrayWrapper": ArrayFile, "ZNDArrayWrapper": ZippedArrayFile}
_MODULES = {
    f"{joblib}.{module}"
    for joblib in ("joblib", "sklearn.externals.joblib")
    for module in ("numpy_pickle", "numpy_pickle_compat")
}


def array_file_class(module: str, name: str) -> type[ArrayFile] | None:
    """Return what takes the place of a global, if it is one that describes such a file."""
    return _CLASSES.get(name) if module in _MODULES else None


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
    """

    def __init__(self, path: str | None, place: str, mode: str | None, *, native: bool) -> None:
        self._path = path
        self._place = place
        self._mode = mode
        self._native = native

    def array(self, described: ArrayFile) -> object:
        """Return the array of a file.

        Raises
        ------
        fanfold.errors.CorruptFileError
            If it is damaged, or cannot be beside the pickle.
        FileNotFoundError
            If it is not there.
        """
        if isinstance(described, ZippedArrayFile):
            return self._zipped_array(described)
        mode = self._mode if described.allow_mmap else None
        with open(self._beside(described.filename), "r+b" if mode == "r+" else "rb") as file:
            place = repr(file.name)
            shape, fortran, dtype = _npy_header(file, place)
            if dtype.hasobject:
                return pickle.Unpickler(file).load()
            size = dtype.itemsize * math.prod(shape)
            order = "F" if fortran else "C"
            if mode is None:
                buffer = FileSource(file, place).receive(size, "the array")
                array = copied_array(native=self._native)(buffer, dtype, shape, order)
            else:
                mapped = map_file(file, place, mode)
                view = MappedSource(mapped.pages, file.tell(), place).receive(size, "the array")
                array = mapped_array(mapped)(view, dtype, shape, order)
        return in_class(array, described.subclass)

    def _zipped_array(self, described: ZippedArrayFile) -> object:
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


def _npy_header(file: BinaryIO, place: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    from numpy.lib import format as npy

    try:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = read(file)
    except ValueError as error:
        raise CorruptFileError(f"{place} is no file of numpy, or damaged: {error}") from error
    return shape, fortran, dtype
