"""Files of others: plain pickles and what joblib wrote, compressed or not.

joblib pickles an array as a small description, and puts the array's bytes right behind it, in the
midst of the stream, or before version 0.10 into another file. The C unpickler cannot read around
these, so it reads only what turns out to be a plain pickle.
"""

from __future__ import annotations

import io
import math
import os
import pickle
import struct
from functools import partial
from typing import Any, BinaryIO, ClassVar, cast

from ..errors import CorruptFileError, FanfoldError, UntrustedGlobalError
from ._arrays import ARRAYS_OF_JOBLIB, copied_array, mapped_array
from ._companions import ArrayFile, Companions, array_file_class, in_class
from ._container import ArrayUnpickler, unforeseen
from ._inflating import Rest, compression_of, inflating
from ._mapping import map_file, warn_unmapped
from ._sources import FileSource, MappedSource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from .._buffers import Buffer
    from ._arrays import Rebuild
    from ._sources import ReadableFile
    from .safety.guarding import GuardedStream
    from .safety.trust import Resolved, Trust

__all__ = ["load_foreign"]

_BUILD = pickle.BUILD[0]
_SMALL = 1 << 14
_DISPATCH: dict[int, Callable[[Any], None]] = dict(pickle._Unpickler.dispatch)
_DAMAGE = (pickle.UnpicklingError, EOFError, IndexError, KeyError, struct.error, UnicodeError)


def load_foreign(
    file: ReadableFile,
    start: bytes,
    place: str,
    mode: str | None,
    *,
    native: bool,
    trust: Trust | None = None,
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
    trust : Trust, optional
        What it may import; without it, anything.

    Raises
    ------
    fanfold.errors.CorruptFileError
        If it is no file of joblib or pickle, or is truncated or damaged.
    fanfold.errors.UntrustedGlobalError
        If it would import what is not trusted.
    """
    stream = _rewound(file, start)
    if trust is None:
        try:
            return _load_stream(stream, start, place, mode, native=native)
        except CorruptFileError as error:
            if start.startswith(pickle.PROTO) or compression_of(start):
                raise
            raise CorruptFileError(
                f"{place} was written neither by fanfold nor joblib nor pickle, or is damaged: "
                f"{error}"
            ) from error
    from .safety.reading import rebuilding, rehearse_foreign

    stream, resolved = rehearse_foreign(stream, start, place, trust)
    with rebuilding(place):
        return _load_stream(stream, start, place, mode, native=native, resolved=resolved)


def _load_stream(
    stream: BinaryIO | Rest,
    start: bytes,
    place: str,
    mode: str | None,
    *,
    native: bool,
    resolved: Resolved | None = None,
) -> object:
    try:
        position = 0 if isinstance(stream, Rest) else stream.tell()
        inflated = inflating(stream, start, place)
        if inflated is not None and mode is not None:
            warn_unmapped(mode, f"{place} is compressed", stacklevel=5)
            mode = None
        if resolved is None:
            from .safety.guarding import check_undamaged

            if inflated is not None or isinstance(stream, Rest):
                companions = Companions(_path_of(stream), place, mode, native=native)
                return _load_guarded(stream, inflated, place, companions, native=native)
            check_undamaged(stream, place)
        if not isinstance(stream, Rest):
            try:
                return _PlainUnpickler(
                    inflated or stream, partial(copied_array, native=native), resolved=resolved
                ).load()
            except _JoblibArrayFound:
                stream.seek(position)
                inflated = inflating(stream, start, place)
        companions = Companions(_path_of(stream), place, mode, native=native)
        if mode is not None and not isinstance(stream, Rest):
            return _load_mapped(stream, place, mode, companions, resolved)
        rebuild = copied_array(native=native)
        return _JoblibUnpickler(
            inflated or stream, place, companions, rebuild, resolved=resolved
        ).load()
    except FanfoldError:
        raise
    except _DAMAGE as error:
        raise CorruptFileError(
            f"{place} was written neither by fanfold nor joblib nor pickle, or is truncated or "
            f"damaged: {type(error).__name__}: {error}"
        ) from error


def _load_guarded(
    stream: BinaryIO | Rest,
    inflated: io.BufferedReader | None,
    place: str,
    companions: Companions,
    *,
    native: bool,
) -> object:
    """Read what cannot be read twice, or takes twice as long then."""
    from .safety.guarding import GuardedStream

    guarded = GuardedStream(inflated or stream, place, read_ahead=inflated is not None)
    if guarded.whole is not None:
        arrays = partial(copied_array, native=native)
        return _PlainUnpickler(io.BytesIO(guarded.whole), arrays).load()
    return _JoblibUnpickler(guarded, place, companions, copied_array(native=native)).load()


def _rewound(file: ReadableFile, start: bytes) -> BinaryIO | Rest:
    """Return a file object that reads from the file's start."""
    seekable = getattr(file, "seekable", None)
    if seekable is None or not seekable():
        return Rest(file, start)
    stream = cast("BinaryIO", file)
    stream.seek(-len(start), 1)
    return stream


def _path_of(file: BinaryIO | Rest) -> str | None:
    name = getattr(file, "name", None)
    return os.fsdecode(name) if isinstance(name, str | bytes) else None


def _load_mapped(
    file: BinaryIO, place: str, mode: str, companions: Companions, resolved: Resolved | None
) -> object:
    mapped = map_file(file, place, mode)

    def receive(size: int) -> memoryview:
        source = MappedSource(mapped.pages, file.tell(), place)
        file.seek(size, 1)
        return source.receive(size, "an array")

    rebuild = mapped_array(mapped)
    return _JoblibUnpickler(file, place, companions, rebuild, receive, resolved=resolved).load()


def _array_file(module: str, name: str, resolved: Resolved | None) -> type[ArrayFile] | None:
    """Return what stands for a file beside the pickle, if that is what a global means.

    Raises
    ------
    fanfold.errors.UntrustedGlobalError
        If not everything is trusted: the other files are not rehearsed.
    """
    found = array_file_class(module, name)
    if found is not None and resolved is not None:
        raise UntrustedGlobalError(
            f"{module}.{name} means an array in another file, as joblib wrote them before 0.10: "
            "trusted= covers no other files, so load it without if you trust them all"
        )
    return found


class _JoblibArrayFound(Exception):  # noqa: N818  it is no error
    """The pickle is not a plain one."""


class _PlainUnpickler(ArrayUnpickler):
    """The C unpickler, which gives up at the first array of joblib's kind."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in ARRAYS_OF_JOBLIB or _array_file(module, name, self._resolved):
            raise _JoblibArrayFound
        return super().find_class(module, name)


class _ArrayDescription:
    """What joblib pickles in an array's place."""

    subclass: type
    shape: tuple[int, ...]
    order: str
    dtype: np.dtype[Any]
    numpy_array_alignment_bytes: int | None = None  # since joblib 1.1


class _JoblibUnpickler(pickle._Unpickler):
    """Puts each array in the place of its description, when the description is complete."""

    stack: list[Any]  # of the base class, as all pickling done in Python has it

    def __init__(
        self,
        stream: BinaryIO | io.BufferedReader | Rest | GuardedStream,
        place: str,
        companions: Companions,
        rebuild: Rebuild,
        receive: Callable[[int], Buffer | memoryview] | None = None,
        *,
        resolved: Resolved | None = None,
    ) -> None:
        super().__init__(stream)
        self._stream = stream
        self._place = place
        self._companions = companions
        self._rebuild = rebuild
        self._receive = receive or self._read
        self._resolved = resolved

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in ARRAYS_OF_JOBLIB:
            return _ArrayDescription
        array_file = _array_file(module, name, self._resolved)
        if self._resolved is None:
            return array_file or super().find_class(module, name)
        if (module, name) not in self._resolved:
            raise unforeseen(module, name)
        return self._resolved[module, name]

    def _build(self) -> None:
        _DISPATCH[_BUILD](self)
        described = self.stack[-1]
        if isinstance(described, _ArrayDescription):
            self.stack[-1] = self._array(described)
        elif isinstance(described, ArrayFile):
            self.stack[-1] = self._companions.array(described)

    # The stubs have each function take the base class, of which this is one.
    dispatch: ClassVar = {**_DISPATCH, _BUILD: _build}  # type: ignore[dict-item]

    def _array(self, described: _ArrayDescription) -> object:
        dtype = described.dtype
        if dtype.hasobject:
            return ArrayUnpickler(
                self._stream, lambda: self._rebuild, resolved=self._resolved
            ).load()
        if described.numpy_array_alignment_bytes is not None:
            gap = self._stream.read(1)
            self._stream.read(gap[0])
        size = dtype.itemsize * math.prod(described.shape)
        array = self._rebuild(self._receive(size), dtype, described.shape, described.order)
        return in_class(array, described.subclass)

    def _read(self, size: int) -> Buffer:
        if size <= _SMALL:
            data = bytearray(self._stream.read(size))
            if len(data) == size:
                return data
        return FileSource(self._stream, self._place).receive(size, "an array")
