"""Compressed files of joblib's kind, where one compressed stream is the whole file."""

from __future__ import annotations

import io
from typing import Protocol

from ..errors import CorruptFileError
from ._compressors import LZMA_MEMORY, lz4_frame
from ._sources import FileSource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import WriteableBuffer

    from ._sources import ReadableFile

__all__ = ["Rest", "compression_of", "inflating", "inflating_zfile"]

_STEP = 1 << 16
_MOST_AT_ONCE = 1 << 20
_ZFILE = b"ZF"
_ZFILE_LENGTH = 19  # of a hexadecimal number up to 2^64, filled up with spaces


class _Decompressor(Protocol):
    """The decompressing objects of the standard library and its kin."""

    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...


class _Deflated:
    """zlib's decompressing object, which returns what it has no room for, as the others keep it."""

    def __init__(self, window: int) -> None:
        import zlib

        self._decompressor = zlib.decompressobj(window)
        self._may_hold_more = False

    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes:
        data = self._decompressor.unconsumed_tail + data
        decompressed = self._decompressor.decompress(data, max_length)
        self._may_hold_more = len(decompressed) == max_length
        return decompressed

    @property
    def eof(self) -> bool:
        return self._decompressor.eof

    @property
    def needs_input(self) -> bool:
        return not (self._may_hold_more or self._decompressor.unconsumed_tail)


def _zlib() -> _Decompressor:
    return _Deflated(15)


def _gzip() -> _Decompressor:
    return _Deflated(31)


def _bz2() -> _Decompressor:
    import bz2

    return bz2.BZ2Decompressor()


def _lzma() -> _Decompressor:
    import lzma

    return lzma.LZMADecompressor(lzma.FORMAT_AUTO, LZMA_MEMORY)


def _lz4() -> _Decompressor:
    decompressor: _Decompressor = lz4_frame().LZ4FrameDecompressor()
    return decompressor


_BY_START: dict[bytes, tuple[str, Callable[[], _Decompressor]]] = {
    b"x": ("zlib", _zlib),
    b"\x1f\x8b": ("gzip", _gzip),
    b"BZh": ("bz2", _bz2),
    b"\xfd7zXZ": ("xz", _lzma),
    b"]\0\0": ("lzma", _lzma),
    b"\x04\x22\x4d\x18": ("lz4", _lz4),
}


def compression_of(start: bytes) -> str | None:
    """Return the name of what compressed a file that starts so, or None for nothing."""
    if start.startswith(_ZFILE):
        return "zlib"
    return next((name for prefix, (name, _) in _BY_START.items() if start.startswith(prefix)), None)


def inflating_zfile(file: ReadableFile, place: str) -> io.BufferedReader:
    """Return what a Z-file of joblib before 0.10 holds.

    It has the letters ``ZF``, a length as a hexadecimal number, and a zlib stream.

    Parameters
    ----------
    file : file object
        The file, at its first byte.
    place : str
        What to call it in messages.
    """
    start = FileSource(file, place).take(len(_ZFILE) + _ZFILE_LENGTH + 1, "the beginning")
    if not start.startswith(_ZFILE):
        raise CorruptFileError(f"{place} does not start with {_ZFILE!r} but with {start[:2]!r}")
    first = start[-1:].strip(b" ")  # joblib up to 0.8.4 wrote one space more
    return io.BufferedReader(_Inflating(Rest(file, first), _zlib(), place), _STEP)


def inflating(file: ReadableFile, start: bytes, place: str) -> io.BufferedReader | None:
    """Return what a compressed file holds, or None if it is not compressed.

    Parameters
    ----------
    file : file object
        The file, at its first byte.
    start : bytes
        What it starts with.
    place : str
        What to call it in messages.
    """
    if start.startswith(_ZFILE):
        return inflating_zfile(file, place)
    for prefix, (_, decompressor) in _BY_START.items():
        if start.startswith(prefix):
            return io.BufferedReader(_Inflating(file, decompressor(), place), _STEP)
    return None


class Rest:
    """A file object whose first bytes have been read already, and are to be read again.

    It reads no further than it is asked to, and has no ``peek``, so that unpicklers do not either.
    """

    def __init__(self, file: ReadableFile, start: bytes) -> None:
        self._file = file
        self._start = start

    def read(self, size: int, /) -> bytes:
        """Return `size` bytes, or less at the end."""
        data, self._start = self._start[:size], self._start[size:]
        while len(data) < size:
            more = self._file.read(size - len(data))
            if not more:
                break
            data = data + more if data else more
        return data

    def readinto(self, target: memoryview) -> int:
        """Fill `target` and return how many bytes there were."""
        data = self.read(len(target))
        target[: len(data)] = data
        return len(data)

    def readline(self, size: int = -1, /) -> bytes:
        """Return the bytes up to a line's end, or `size` of them."""
        line = bytearray()
        while len(line) != size and not line.endswith(b"\n"):
            byte = self.read(1)
            if not byte:
                break
            line += byte
        return bytes(line)


class _Inflating(io.RawIOBase):
    def __init__(self, file: ReadableFile, decompressor: _Decompressor, place: str) -> None:
        self._file = file
        self._decompressor = decompressor
        self._place = place
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, target: WriteableBuffer) -> int:
        view = memoryview(target).cast("B")
        while not self._ready and not self._decompressor.eof:
            self._inflate()
        size = min(len(view), len(self._ready))
        view[:size], self._ready = self._ready[:size], self._ready[size:]
        return size

    def _inflate(self) -> None:
        """Make ready what comes next, but not much at once: a few bytes may become gigabytes."""
        data = self._file.read(_STEP) if self._decompressor.needs_input else b""
        if not data and self._decompressor.needs_input:
            raise CorruptFileError(f"{self._place} is truncated: its compressed data has no end")
        try:
            self._ready = memoryview(self._decompressor.decompress(data, _MOST_AT_ONCE))
        except Exception as error:  # each library has errors of its own
            raise CorruptFileError(
                f"{self._place} is damaged: it cannot be decompressed: {error}"
            ) from error
