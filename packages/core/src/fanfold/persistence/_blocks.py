"""The compressed body of a container: blocks of up to 1 MiB, each compressed by itself.

Blocks keep the memory flat while compressing, bound what one of them can claim, and can be
compressed and read independently of each other.
"""

from __future__ import annotations

from .._buffers import Buffer, allocate
from ..errors import CorruptFileError, FanfoldError
from ._format import BLOCK, BLOCK_SIZE, LARGEST_BLOCK
from ._sources import UNPROVEN, Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..contracts.store import Piece
    from ._compression import Compression
    from ._compressors import Compressor
    from ._sources import See

__all__ = ["BlockSource", "BlockWriter"]


class BlockWriter:
    """Cuts what is written into blocks, and passes them on compressed."""

    def __init__(self, write: Callable[[Piece], object], compression: Compression) -> None:
        self._write = write
        self._compress = compression.compressor.compress
        self._level = compression.level
        self._waiting = bytearray()

    def write(self, data: Piece) -> None:
        """Take the next bytes; whole blocks of a large piece are compressed where they are."""
        rest = memoryview(data)
        if self._waiting:
            missing = BLOCK_SIZE - len(self._waiting)
            self._waiting += rest[:missing]
            rest = rest[missing:]
            if len(self._waiting) == BLOCK_SIZE:
                self.flush()
        while len(rest) >= BLOCK_SIZE:
            self._write_block(rest[:BLOCK_SIZE])
            rest = rest[BLOCK_SIZE:]
        self._waiting += rest

    def flush(self) -> None:
        """Pass on what waits for its block to become full."""
        if self._waiting:
            self._write_block(self._waiting)
            self._waiting = bytearray()

    def _write_block(self, data: Piece) -> None:
        compressed = self._compress(data, self._level)
        self._write(BLOCK.pack(len(compressed), len(data)) + compressed)


class BlockSource(Source):
    """The body of a compressed container, as if it were not compressed."""

    def __init__(self, source: Source, compressor: Compressor) -> None:
        super().__init__(source.place, None)
        self.position = source.position
        self._source = source
        self._decompress = compressor.decompress
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

    def _fill(self, view: memoryview, what: str, see: See | None = None) -> None:
        filled = 0
        while filled < len(view):
            if not self._block:
                self._next_block(what)
            part = self._block[: len(view) - filled]
            view[filled : filled + len(part)] = part
            if see is not None:
                see(part)
            self._block = self._block[len(part) :]
            filled += len(part)

    def _next_block(self, what: str) -> None:
        source = self._source
        stored, size = BLOCK.unpack(source.take(BLOCK.size, f"a block of {what}"))
        start = source.position
        if not 0 < size <= LARGEST_BLOCK or stored > 2 * LARGEST_BLOCK:
            raise source.corrupt(f"a block claims {stored} bytes that hold {size}")
        try:
            block = self._decompress(source.take(stored, "a block"), size)
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
        self._block = memoryview(block)
