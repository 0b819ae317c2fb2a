"""Compressed files of joblib's kind, where one compressed stream is the whole file."""

from __future__ import annotations

import io
from typing import Protocol

from ..errors import CorruptFileError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import WriteableBuffer

    from ._sources import ReadableFile

__all__ = ["Rest", "inflating"]

_STEP = 1 << 16


class _Decompressor(Protocol):
    def decompress(self, data: bytes, /) -> bytes: ...

    @property
    def eof(self) -> bool: ...


def _zlib() -> _Decompressor:
    import zlib

    return zlib.decompressobj()


def _gzip() -> _Decompressor:
    import zlib

    return zlib.decompressobj(31)


def _bz2() -> _Decompressor:
    import bz2

    return bz2.BZ2Decompressor()


def _lzma() -> _Decompressor:
    import lzma

    return lzma.LZMADecompressor()


def _lz4() -> _Decompressor:
    from ._compressors import lz4_frame

    decompressor: _Decompressor = lz4_frame().LZ4FrameDecompressor()
    return decompressor


_BY_START: dict[bytes, Callable[[], _Decompressor]] = {
    b"x": _zlib,
    b"\x1f\x8b": _gzip,
    b"BZh": _bz2,
    b"\xfd7zXZ": _lzma,
    b"]\0\0": _lzma,
    b"\x04\x22\x4d\x18": _lz4,
}


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
    for prefix, decompressor in _BY_START.items():
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

    def readline(self) -> bytes:
        """Return the bytes up to a line's end."""
        line = bytearray()
        while not line.endswith(b"\n"):
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
        data = self._file.read(_STEP)
        if not data:
            raise CorruptFileError(f"{self._place} is truncated: its compressed data has no end")
        try:
            self._ready = memoryview(self._decompressor.decompress(data))
        except Exception as error:  # each library has errors of its own
            raise CorruptFileError(
                f"{self._place} is damaged: it cannot be decompressed: {error}"
            ) from error
