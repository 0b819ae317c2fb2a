"""The compressed body of a container: blocks of up to 1 MiB, each compressed by itself.

Blocks keep the memory flat while compressing, bound what one of them can claim, and can be
compressed and read independently of each other.
"""

from __future__ import annotations

from contextlib import closing
from functools import partial

from .._buffers import Buffer, allocate
from ..errors import CorruptFileError, FanfoldError
from ._format import BLOCK, BLOCK_SIZE, LARGEST_BLOCK
from ._sources import UNPROVEN, Source
from ._threads import OrderedCalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ..contracts.store import Piece
    from ._compression import Compression
    from ._compressors import Compressor
    from ._sources import See

__all__ = ["BlockSource", "BlockWriter"]

_STEP = 32 << 20


class BlockWriter:
    """Cuts what is written into blocks, and passes them on compressed.

    What is written must stay as it is until the writer is done.
    """

    def __init__(self, write: Callable[[Piece], object], compression: Compression) -> None:
        self._write = write
        self._calls = OrderedCalls(partial(_packed_block, compression))
        self._waiting = bytearray()

    def write(self, data: Piece) -> None:
        """Take the next bytes; whole blocks of a large piece are compressed where they are."""
        rest = memoryview(data)
        if self._waiting:
            missing = BLOCK_SIZE - len(self._waiting)
            self._waiting += rest[:missing]
            rest = rest[missing:]
            if len(self._waiting) == BLOCK_SIZE:
                self._write_waiting()
        while len(rest) >= BLOCK_SIZE:
            self._write_block(rest[:BLOCK_SIZE])
            rest = rest[BLOCK_SIZE:]
        self._waiting += rest

    def finish(self) -> None:
        """Pass on everything that has been written."""
        if self._waiting:
            self._write_waiting()
        for block in self._calls.rest():
            self._write(block)

    def close(self) -> None:
        """Stop, also in the midst of it."""
        self._calls.close()

    def _write_waiting(self) -> None:
        self._write_block(self._waiting)
        self._waiting = bytearray()

    def _write_block(self, data: Piece) -> None:
        for block in self._calls.put(data):
            self._write(block)


def _packed_block(compression: Compression, data: Piece) -> bytes:
    compressed = compression.compressor.compress(data, compression.level)
    return BLOCK.pack(len(compressed), len(data)) + compressed


class BlockSource(Source):
    """The body of a compressed container, as if it were not compressed."""

    def __init__(self, source: Source, compressor: Compressor) -> None:
        super().__init__(source.place, None)
        self.position = source.position
        self._source = source
        self._compressor = compressor
        self._block = memoryview(b"")

    def take(self, size: int, what: str) -> memoryview | bytes:
        """Return a view of the block, or a copy where the bytes cross into the next one."""
        self.claim(size, what)
        if len(self._block) >= size:
            taken, self._block = self._block[:size], self._block[size:]
            return taken
        target = bytearray(size)
        self._fill(memoryview(target), what)
        return bytes(target)

    def receive(self, size: int, what: str, see: See | None = None) -> Buffer:
        """Decompress into fresh memory."""
        if size > UNPROVEN:
            return self.grow(size, what, see)
        self.claim(size, what)
        buffer = allocate(size)
        with memoryview(buffer) as view:
            self._fill(view, what, see)
        return buffer

    def grow(self, size: int, what: str, see: See | None = None) -> bytearray:
        """Decompress into memory that grows with what is really there."""
        buffer = bytearray()
        while len(buffer) < size:
            start = len(buffer)
            step = min(size - start, _STEP)
            self.claim(step, what)
            buffer += bytes(step)
            with memoryview(buffer) as view:
                self._fill(view[start:], what, see)
        return buffer

    def _fill(self, view: memoryview, what: str, see: See | None = None) -> None:
        filled = 0
        with closing(self._blocks(len(view), what)) as blocks:
            for block in blocks:
                part = block[: len(view) - filled]
                view[filled : filled + len(part)] = part
                if see is not None:
                    see(part)
                filled += len(part)
                self._block = block[len(part) :]

    def _blocks(self, needed: int, what: str) -> Generator[memoryview]:
        """Iterate over the rest of the last block, and new ones until there are `needed` bytes."""
        if self._block:
            needed -= len(self._block)
            yield self._block
        calls = OrderedCalls(self._decompressed)
        try:
            while needed > 0:
                data, size, start = self._read_block(what)
                needed -= size
                yield from calls.put(data, size, start)
            yield from calls.rest()
        finally:
            calls.close()

    def _read_block(self, what: str) -> tuple[memoryview | bytes, int, int]:
        """Return the next block as it is in the file, its size decompressed, and its position."""
        source = self._source
        stored, size = BLOCK.unpack(source.take(BLOCK.size, f"a block of {what}"))
        start = source.position
        if not 0 < size <= LARGEST_BLOCK or stored > 2 * LARGEST_BLOCK:
            raise source.corrupt(f"a block claims {stored} bytes that hold {size}")
        return source.take(stored, "a block"), size, start

    def _decompressed(self, data: memoryview | bytes, size: int, start: int) -> memoryview:
        try:
            block = self._compressor.decompress(data, size)
        except (FanfoldError, MemoryError):
            raise
        except Exception as error:  # each library has errors of its own
            raise CorruptFileError(
                f"{self.place} is damaged in the compressed block at byte {start}: {error}"
            ) from error
        if len(block) != size:
            raise CorruptFileError(
                f"{self.place} is damaged in the compressed block at byte {start}: it should hold "
                f"{size} bytes, but does not"
            )
        return memoryview(block)
