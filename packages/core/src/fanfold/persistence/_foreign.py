"""Files of others: plain pickles and what joblib wrote, compressed or not.

joblib pickles an array as a small description, and puts the array's bytes right behind it, in the
midst of the stream, or before version 0.10 into another file. The C unpickler cannot read around
these, so it reads only what turns out to be a plain pickle.
"""

from __future__ import annotations

import math
import os
import pickle
import struct
from functools import partial
from typing import Any, BinaryIO, ClassVar, cast

from ..errors import CorruptFileError
from ._arrays import copied_array, mapped_array
from ._companions import (
    ZFILE,
    ArrayFile,
    Companions,
    ZippedArrayFile,
    in_class,
    inflating_zfile,
)
from ._container import ArrayUnpickler
from ._inflating import Rest, inflating
from ._mapping import map_file, warn_unmapped
from ._sources import FileSource, MappedSource

TYPE_CHECKING = False
if TYPE_CHECKING:
    import io
    from collections.abc import Callable

    import numpy as np

    from .._buffers import Buffer
    from ._arrays import Rebuild
    from ._sources import ReadableFile

__all__ = ["load_foreign"]

_JOBLIB_MODULES = {
    f"{joblib}.{module}"
    for joblib in ("joblib", "sklearn.externals.joblib")
    for module in ("numpy_pickle", "numpy_pickle_compat")
}
_BUILD = pickle.BUILD[0]
_DISPATCH: dict[int, Callable[[Any], None]] = dict(pickle._Unpickler.dispatch)
_DAMAGE = (pickle.UnpicklingError, EOFError, IndexError, KeyError, struct.error, UnicodeError)


def load_foreign(
    file: ReadableFile, start: bytes, place: str, mode: str | None, *, native: bool
) -> object:
    """Return the value of a file that is no container.

    Parameters
    ----------
    file : file object
        Its first bytes have been read already.
    start : bytes
        These.
    place : str
        What to call it in messages.
    mode : str or None
        ``"r"``, ``"r+"`` or ``"c"`` to map arrays; `file` is then one on disk.
    native : bool
        Whether arrays get this machine's byte order.

    Raises
    ------
    fanfold.errors.CorruptFileError
        If it is no file of joblib or pickle, or is truncated or damaged.
    """
    try:
        stream = _rewound(file, start)
        position = 0 if isinstance(stream, Rest) else stream.tell()
        inflated = _inflated(stream, start, place)
        if inflated is not None and mode is not None:
            warn_unmapped(mode, f"{place} is compressed", stacklevel=4)
            mode = None
        if not isinstance(stream, Rest):
            try:
                return _PlainUnpickler(
                    inflated or stream, partial(copied_array, native=native)
                ).load()
            except _JoblibArrayFound:
                stream.seek(position)
                inflated = _inflated(stream, start, place)
        companions = Companions(
            _path_of(file), place, mode, native=native, load_objects=_load_objects
        )
        if mode is not None and not isinstance(stream, Rest):
            return _load_mapped(stream, place, mode, companions)
        arrays = copied_array(native=native)
        return _JoblibUnpickler(inflated or stream, place, companions, arrays).load()
    except _DAMAGE as error:
        raise CorruptFileError(
            f"{place} was written neither by fanfold nor joblib nor pickle, or is truncated or "
            f"damaged: {type(error).__name__}: {error}"
        ) from error


def _rewound(file: ReadableFile, start: bytes) -> BinaryIO | Rest:
    """Return a file object that reads from the file's start."""
    seekable = getattr(file, "seekable", None)
    if seekable is None or not seekable():
        return Rest(file, start)
    stream = cast("BinaryIO", file)
    stream.seek(-len(start), 1)
    return stream


def _inflated(file: BinaryIO | Rest, start: bytes, place: str) -> io.BufferedReader | None:
    if start.startswith(ZFILE):
        return inflating_zfile(file, place)
    return inflating(file, start, place)


def _path_of(file: ReadableFile) -> str | None:
    name = getattr(file, "name", None)
    return os.fsdecode(name) if isinstance(name, str | bytes) else None


def _load_objects(file: BinaryIO) -> object:
    return pickle.Unpickler(file).load()


def _load_mapped(file: BinaryIO, place: str, mode: str, companions: Companions) -> object:
    mapped = map_file(file, place, mode)

    def receive(size: int) -> memoryview:
        source = MappedSource(mapped.pages, file.tell(), place)
        file.seek(size, 1)
        return source.receive(size, "an array")

    return _JoblibUnpickler(file, place, companions, mapped_array(mapped), receive).load()


class _JoblibArrayFound(Exception):  # noqa: N818  it is no error
    """The pickle is not a plain one."""


class _PlainUnpickler(ArrayUnpickler):
    """The C unpickler, which gives up at the first array of joblib's kind."""

    def find_class(self, module: str, name: str) -> Any:
        if module in _JOBLIB_MODULES:
            raise _JoblibArrayFound
        return super().find_class(module, name)


class _ArrayDescription:
    """What joblib pickles in an array's place."""

    subclass: type
    shape: tuple[int, ...]
    order: str
    dtype: np.dtype[Any]
    numpy_array_alignment_bytes: int | None = None  # since joblib 1.1


_DESCRIPTIONS = {
    "NumpyArrayWrapper": _ArrayDescription,
    "NDArrayWrapper": ArrayFile,  # before joblib 0.10, as the next
    "ZNDArrayWrapper": ZippedArrayFile,
}


class _JoblibUnpickler(pickle._Unpickler):
    """Puts each array in the place of its description, when the description is complete."""

    stack: list[Any]  # of the base class, as all pickling done in Python has it

    def __init__(
        self,
        stream: BinaryIO | io.BufferedReader | Rest,
        place: str,
        companions: Companions,
        rebuild: Rebuild,
        receive: Callable[[int], Buffer | memoryview] | None = None,
    ) -> None:
        super().__init__(stream)
        self._stream = stream
        self._place = place
        self._companions = companions
        self._rebuild = rebuild
        self._receive = receive or self._read

    def find_class(self, module: str, name: str) -> Any:
        if module in _JOBLIB_MODULES and name in _DESCRIPTIONS:
            return _DESCRIPTIONS[name]
        return super().find_class(module, name)

    def _build(self) -> None:
        _DISPATCH[_BUILD](self)
        described = self.stack[-1]
        if isinstance(described, _ArrayDescription):
            self.stack[-1] = self._array(described)
        elif isinstance(described, ArrayFile):
            self.stack[-1] = self._companions.array(described)
        elif isinstance(described, ZippedArrayFile):
            self.stack[-1] = self._companions.zipped_array(described)

    # The stubs have each function take the base class, of which this is one.
    dispatch: ClassVar = {**_DISPATCH, _BUILD: _build}  # type: ignore[dict-item]

    def _array(self, described: _ArrayDescription) -> object:
        dtype = described.dtype
        if dtype.hasobject:
            return _load_objects(cast("BinaryIO", self._stream))
        if described.numpy_array_alignment_bytes is not None:
            gap = self._stream.read(1)
            self._stream.read(gap[0])
        size = dtype.itemsize * math.prod(described.shape)
        array = self._rebuild(self._receive(size), dtype, described.shape, described.order)
        return in_class(array, described.subclass)

    def _read(self, size: int) -> Buffer:
        return FileSource(self._stream, self._place).receive(size, "an array")
