"""The opcodes of a pickle, one after the other, without running any of them.

Nothing is kept of long arguments, and nothing is taken for what the file only claims to have.
"""

from __future__ import annotations

from functools import cache
from typing import cast

from ...errors import CorruptFileError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from .._sources import ByteStream

__all__ = ["AHEAD", "HIGHEST_PROTOCOL", "LONGEST_KEPT", "OpcodeReader"]

HIGHEST_PROTOCOL = 5

AHEAD = 300
"""No opcode is longer that has an argument of up to 255 bytes."""

LONGEST_KEPT = 1 << 10
"""Longer arguments are only counted: no name is as long, nor the text of a number."""

_STEP = 1 << 18
_LARGEST_FRAME = 1 << 24  # picklers begin another after 64 KiB
_FIXED, _COUNTED, _LINES, _FRAME = range(4)


class OpcodeReader:
    """Reads opcodes from a stream of bytes.

    Parameters
    ----------
    stream : file object
        Where to read, from its position on.
    place : str
        What to call it in messages.
    left : int, optional
        How many bytes there are, where that is known: a claim of more is refused without trying.
        The stream can then be searched, too.
    read_ahead : bool, default=True
        Whether the stream may be read further than the pickle goes.
    position : int, default=0
        How much of the pickle is before what the stream has.
    keeps : bool, default=False
        Whether what is read is kept until `kept` is called, and data are left to `read_data`.

    Attributes
    ----------
    start : int
        Where the opcode that was read last begins.
    skipped : int
        The length of the last argument that was not kept, or of the last line.
    data_left : int
        How much is still to be read of the data that the pickle has in its midst, by who wants it.
    """

    def __init__(
        self,
        stream: ByteStream,
        place: str,
        left: int | None = None,
        *,
        read_ahead: bool = True,
        position: int = 0,
        keeps: bool = False,
    ) -> None:
        self._stream = stream
        self._left = left
        self._at_once = _STEP if read_ahead else 0
        self._data = b""
        self._at = 0
        self._before = position
        self._frame_end = 0
        self._kept: list[bytes] | None = [] if keeps else None
        self._kept_up_to = 0
        self.data_left = 0
        self.place = place
        self.start = 0
        self.skipped = 0

    @property
    def position(self) -> int:
        """How many bytes of the pickle have been read."""
        return self._before + self._at

    def next(self) -> tuple[bytes, bytes | None]:
        """Return the next opcode and its argument.

        An argument is None where it is longer than `LONGEST_KEPT`; `skipped` is then its length.
        """
        self.start = self.position
        opcode = self._read(1)
        found = _formats().get(opcode)
        if found is None:
            raise self._not_an_opcode(opcode)
        kind, size = found
        if kind == _FIXED:
            return opcode, self.take(size)
        if kind == _COUNTED:
            return opcode, self._counted(size)
        if kind == _LINES:
            return opcode, b"\n".join([self._line() for _ in range(size)])
        self._check_frame()
        return self.next()

    def ahead(self) -> tuple[bytes, int, int, int]:
        """Return bytes that were read ahead, for who is in a hurry.

        Then come the index in them at which to go on; the one at which to stop at last, up to which
        opcodes and arguments of up to `AHEAD` bytes are there as a whole; and the position of the
        first byte. Who has taken some of them calls `advance`.
        """
        if len(self._data) - self._at < 2 * AHEAD and self._at_once:
            self._refill(self._at_once)
        return self._data, self._at, len(self._data) - AHEAD, self._before

    def advance(self, at: int) -> None:
        """Go on at an index of the bytes that `ahead` returned."""
        self._at = at

    def is_at(self, data: bytes, at: int) -> bool:
        """Tell whether nothing was read since `advance` was called with an index of these bytes."""
        return self._at == at and self._data is data and not self.data_left

    def take(self, size: int) -> bytes:
        """Return the next few bytes."""
        data = self._read(size)
        if len(data) < size:
            raise self.truncated()
        return data

    def skip(self, size: int) -> None:
        """Read `size` bytes and forget them."""
        if self._left is not None and size > self._left - self.position:
            raise CorruptFileError(
                f"{self.place} is truncated or damaged: byte {self.start} of its pickle claims "
                f"{size} bytes, but {self._left - self.position} are left"
            )
        ready = len(self._data) - self._at
        if self._left is not None and size > ready + _STEP:
            self._before += len(self._data) + size - ready
            self._data, self._at = b"", 0
            cast("BinaryIO", self._stream).seek(size - ready, 1)
            return
        while size:
            size -= len(self.take(min(size, _STEP)))

    def skip_data(self, size: int) -> None:
        """Pass over data in the midst of the pickle, or leave them to who reads them."""
        if self._kept is None:
            self.skip(size)
        else:
            self.data_left = size

    def kept(self) -> bytes:
        """Return what was read since the last call, without the data."""
        assert self._kept is not None
        self._keep()
        kept = b"".join(self._kept)
        self._kept.clear()
        return kept

    def read_data(self, size: int) -> bytes:
        """Return at most `size` bytes of the data."""
        data = self._read(min(size, self.data_left, _STEP))
        self.data_left -= len(data)
        self._kept_up_to = self._at
        return data

    def rest(self) -> bytes:
        """Return what was read ahead, which the stream does not have any more."""
        return self._data[self._at :]

    def _keep(self) -> None:
        if self._kept is not None:
            self._kept.append(self._data[self._kept_up_to : self._at])
            self._kept_up_to = self._at

    def _read(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            self._refill(max(end - len(self._data), self._at_once))
            end = size
        data = self._data[self._at : end]
        self._at += len(data)
        return data

    def _refill(self, size: int) -> None:
        self._keep()
        self._kept_up_to = 0
        rest = self._data[self._at :]
        self._before += self._at
        self._data, self._at = rest + self._stream.read(size), 0

    def check_frame_ended(self) -> None:
        """Refuse a frame that goes on behind the end of its pickle."""
        if self.position < self._frame_end:
            raise self.corrupt(
                f"its last frame claims {self._frame_end - self.position} more bytes"
            )

    def truncated(self) -> CorruptFileError:
        """Return the error for a pickle that ends within an opcode."""
        return CorruptFileError(
            f"{self.place} is truncated or damaged: its pickle ends within the opcode at byte "
            f"{self.start}"
        )

    def corrupt(self, problem: str) -> CorruptFileError:
        """Return the error for a problem of the opcode that was read last."""
        return CorruptFileError(
            f"{self.place} is damaged at byte {self.start} of its pickle: {problem}"
        )

    def _not_an_opcode(self, found: bytes) -> CorruptFileError:
        if not found:
            return CorruptFileError(
                f"{self.place} is truncated or damaged: its pickle has no end, only "
                f"{self.position} bytes"
            )
        return self.corrupt(f"{found!r} is no opcode of pickle's")

    def _counted(self, count_size: int) -> bytes | None:
        size = int.from_bytes(self.take(count_size), "little")
        if size <= LONGEST_KEPT:
            return self.take(size)
        self.skip(size)
        self.skipped = size
        return None

    def _line(self) -> bytes:
        """Return a line without its end; of a long one, which means nothing, only the beginning."""
        line = b""
        self.skipped = 0
        while True:
            if self._at == len(self._data):
                self._keep()
                self._kept_up_to = 0
                self._before += self._at
                self._data, self._at = self._stream.readline(_STEP), 0
                if not self._data:
                    raise self.truncated()
            end = self._data.find(b"\n", self._at)
            part = self._data[self._at : None if end < 0 else end]
            line = (line + part)[:LONGEST_KEPT]
            self.skipped += len(part)
            self._at += len(part)
            if end >= 0:
                self._at += 1
                return line

    def _check_frame(self) -> None:
        size = int.from_bytes(self.take(8), "little")
        if size > _LARGEST_FRAME:
            raise self.corrupt(f"a frame claims {size} bytes, but has at most {_LARGEST_FRAME}")
        if self._left is not None and size > self._left - self.position:
            raise self.corrupt(
                f"a frame claims {size} bytes, but {self._left - self.position} are left"
            )
        self._frame_end = self.position + size


@cache
def _formats() -> dict[bytes, tuple[int, int]]:
    """Return the format of the argument of each opcode."""
    import pickletools

    lengths = {
        pickletools.TAKEN_FROM_ARGUMENT1: 1,
        pickletools.TAKEN_FROM_ARGUMENT4: 4,
        pickletools.TAKEN_FROM_ARGUMENT4U: 4,
        pickletools.TAKEN_FROM_ARGUMENT8U: 8,
    }
    formats = {}
    for opcode in pickletools.opcodes:
        if opcode.proto > HIGHEST_PROTOCOL:
            continue
        argument = opcode.arg
        if argument is None:
            kind, size = _FIXED, 0
        elif opcode.name == "FRAME":
            kind, size = _FRAME, argument.n
        elif argument.n == pickletools.UP_TO_NEWLINE:
            kind, size = _LINES, 2 if argument.name == "stringnl_noescape_pair" else 1
        elif argument.n < 0:
            kind, size = _COUNTED, lengths[argument.n]
        else:
            kind, size = _FIXED, argument.n
        formats[opcode.code.encode("latin-1")] = kind, size
    return formats
