"""Where a container is read from: memory, a file object, or a memory map.

Each hands out exactly what was asked for or raises :class:`CorruptFileError`, and never takes
memory for bytes that cannot be there.
"""

from __future__ import annotations

import io
import os
import stat
from abc import ABC, abstractmethod
from typing import BinaryIO, Protocol, TypeGuard

from .._buffers import Buffer, allocate
from ..errors import CorruptFileError
from ._format import STRIDE

TYPE_CHECKING = False
if TYPE_CHECKING:
    import mmap
    from collections.abc import Callable

    See = Callable[[memoryview | bytes], object]

__all__ = [
    "UNPROVEN",
    "ByteStream",
    "FileSource",
    "MappedSource",
    "MemorySource",
    "ReadableFile",
    "Source",
    "bytes_left",
    "is_regular_file",
]

UNPROVEN = 64 << 20
"""Memory taken on the word of a file whose size cannot be known: a pipe, or compressed."""

_STEP = 1 << 20
_BUFFERED = (io.BufferedReader, io.BufferedRandom)


class ReadableFile(Protocol):
    """A binary file object, as far as loading uses it."""

    def read(self, size: int, /) -> bytes: ...


class ByteStream(ReadableFile, Protocol):
    """A file object as unpicklers use it; it returns less than asked for only at its end."""

    def readline(self, size: int, /) -> bytes: ...


class Source(ABC):
    """Bytes that are read from front to back.

    Attributes
    ----------
    place : str
        What to call it in messages.
    position : int
        How many bytes of the container have been read.
    left : int or None
        How many more there are at most; None where that cannot be known.
    """

    def __init__(self, place: str, left: int | None) -> None:
        self.place = place
        self.position = 0
        self.left = left

    @abstractmethod
    def take(self, size: int, what: str) -> memoryview | bytes:
        """Return the next `size` bytes, which the format bounds."""

    @abstractmethod
    def receive(self, size: int, what: str, see: See | None = None) -> Buffer | memoryview:
        """Return the next `size` bytes, as many as the file says, in memory of their own.

        `see` is called with each stretch of them as it arrives, while it is in the processor's
        cache.
        """

    def claim(self, size: int, what: str) -> None:
        """Move the position, unless the bytes are not there.

        Raises
        ------
        fanfold.errors.CorruptFileError
            If there are less than `size` bytes.
        """
        if self.left is not None:
            if size > self.left:
                raise self.truncated(size, what, self.left)
            self.left -= size
        self.position += size

    def grow(self, size: int, what: str, see: See | None = None) -> bytearray:
        """Return the next `size` bytes in memory that grows with what is really there."""
        buffer = bytearray()
        while len(buffer) < size:
            step = self.take(min(size - len(buffer), _STEP), what)
            buffer += step
            if see is not None:
                see(step)
        return buffer

    def truncated(self, size: int, what: str, found: int) -> CorruptFileError:
        """Return the error for `what` having less bytes than it should."""
        return CorruptFileError(
            f"{self.place} is truncated or damaged: {what} at byte {self.position} should have "
            f"{size} bytes, but {found} are left"
        )

    def corrupt(self, problem: str) -> CorruptFileError:
        """Return the error for a problem at, or just before, the position."""
        return CorruptFileError(f"{self.place} is damaged at byte {self.position}: {problem}")


class MemorySource(Source):
    """A container that is in memory as a whole."""

    def __init__(self, data: bytes | bytearray | memoryview, place: str) -> None:
        self._view = memoryview(data).cast("B")
        super().__init__(place, self._view.nbytes)

    def take(self, size: int, what: str) -> memoryview:
        """Return a view."""
        start = self.position
        self.claim(size, what)
        return self._view[start : start + size]

    def receive(self, size: int, what: str, see: See | None = None) -> Buffer | memoryview:
        """Return a copy, so that arrays can be written to and do not hold the whole."""
        view = self.take(size, what)
        buffer = allocate(size)
        if see is None:
            buffer[:] = view
        else:
            for start in range(0, size, STRIDE):
                stretch = view[start : start + STRIDE]
                buffer[start : start + STRIDE] = stretch
                see(stretch)
        return buffer


class MappedSource(MemorySource):
    """A container in a memory map: its buffers stay where they are."""

    def __init__(self, pages: mmap.mmap, start: int, place: str) -> None:
        super().__init__(memoryview(pages)[start:], place)

    def receive(self, size: int, what: str, see: See | None = None) -> memoryview:
        """Return a view of the map."""
        view = self.take(size, what)
        if see is not None:
            see(view)
        return view


class FileSource(Source):
    """A container in a file object, which is left just behind it."""

    def __init__(self, file: ReadableFile, place: str, *, start: bytes = b"") -> None:
        left = bytes_left(file)
        super().__init__(place, None if left is None else left + len(start))
        self._file = file
        self._start = start

    def take(self, size: int, what: str) -> bytes:
        """Read."""
        self.claim(size, what)
        data, self._start = self._start[:size], self._start[size:]
        while len(data) < size:  # once, unless this is a pipe or a socket
            more = self._file.read(size - len(data))
            if not more:
                raise self._ended(size, what, len(data))
            data = data + more if data else more
        return data

    def receive(self, size: int, what: str, see: See | None = None) -> Buffer:
        """Read into fresh memory."""
        if self.left is None and size > UNPROVEN:
            return self.grow(size, what, see)
        self.claim(size, what)
        buffer = allocate(size)
        with memoryview(buffer) as view:
            found = self._read_into(view, see)
        if found < size:
            raise self._ended(size, what, found)
        return buffer

    def _read_into(self, view: memoryview, see: See | None) -> int:
        read_into = getattr(self._file, "readinto", None)
        step = len(view) if see is None else STRIDE
        found = 0
        while found < len(view):
            target = view[found : found + step]
            if read_into is not None:
                count = read_into(target)
            else:
                data = self._file.read(min(len(target), _STEP))
                count = len(data)
                target[:count] = data
            if not count:
                break
            if see is not None:
                see(target[:count])
            found += count
        return found

    def _ended(self, size: int, what: str, found: int) -> CorruptFileError:
        self.position -= size
        return self.truncated(size, what, found)


def bytes_left(file: ReadableFile) -> int | None:
    """Return how many bytes a file object has from its position on, or None if it cannot tell."""
    if isinstance(file, io.BytesIO):
        return file.getbuffer().nbytes - file.tell()
    if is_regular_file(file):
        return os.fstat(file.fileno()).st_size - file.tell()
    return None


def is_regular_file(file: object) -> TypeGuard[BinaryIO]:
    """Tell whether a file object shows the bytes of a file on disk as they are.

    Others may have a ``fileno`` too, such as those that decompress what they read from there.
    """
    raw = getattr(file, "raw", None) if isinstance(file, _BUFFERED) else file
    return isinstance(raw, io.FileIO) and stat.S_ISREG(os.fstat(raw.fileno()).st_mode)
