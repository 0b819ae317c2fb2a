"""The opcodes of a pickle, one after the other, without running any of them.

What is read is exactly the pickle, not a byte more, so that what follows it in the file stays there
to be read. Nothing is kept of long arguments.
"""

from __future__ import annotations

from functools import cache

from ..errors import CorruptFileError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from ._sources import ByteStream

    Opcodes: TypeAlias = Iterator[tuple[bytes, bytes | None]]

__all__ = ["LONGEST_KEPT", "OpcodeReader"]

LONGEST_KEPT = 1 << 10
"""Longer arguments are only counted: no name is as long, nor the text of a number."""

_STEP = 1 << 16
_LARGEST_FRAME = 1 << 24  # picklers begin another after 64 KiB
_FIXED, _COUNTED, _LINES, _FRAME = range(4)
_STOP = b"."


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

    Attributes
    ----------
    position : int
        How many bytes have been read.
    start : int
        Where the opcode that was read last begins.
    skipped : int
        The length of the last argument that was not kept.
    """

    def __init__(self, stream: ByteStream, place: str, left: int | None = None) -> None:
        self._stream = stream
        self._left = left
        self.place = place
        self.position = 0
        self.start = 0
        self.skipped = 0

    def opcodes(self) -> Opcodes:
        """Iterate over opcodes with their arguments, up to and with the one that ends a pickle.

        An argument is None where it is longer than `LONGEST_KEPT`; `skipped` is then its length.
        """
        read, formats = self._stream.read, _formats()
        opcode = b""
        while opcode != _STOP:
            self.start = self.position
            opcode = read(1)
            found = formats.get(opcode)
            if found is None:
                raise self._not_an_opcode(opcode)
            kind, size = found
            if kind == _FIXED:
                if not size:
                    self.position += 1
                    yield opcode, b""
                    continue
                argument = read(size)
                if len(argument) < size:
                    raise self.truncated()
                self.position += 1 + size
                yield opcode, argument
            elif kind == _COUNTED:
                self.position += 1
                yield opcode, self._counted(size)
            elif kind == _FRAME:
                self.position += 1
                self._check_frame()
            else:
                self.position += 1
                yield opcode, b"\n".join([self._line() for _ in range(size)])

    def take(self, size: int) -> bytes:
        """Return the next few bytes."""
        data = self._stream.read(size)
        if len(data) < size:
            raise self.truncated()
        self.position += size
        return data

    def skip(self, size: int) -> None:
        """Read `size` bytes and forget them."""
        if self._left is not None and size > self._left - self.position:
            raise CorruptFileError(
                f"{self.place} is truncated or damaged: byte {self.start} of its pickle claims "
                f"{size} bytes, but {self._left - self.position} are left"
            )
        while size:
            size -= len(self.take(min(size, _STEP)))

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
        line = b""
        while not line.endswith(b"\n"):
            part = self._stream.readline(_STEP)
            if not part:
                raise self.truncated()
            self.position += len(part)
            # The whole of a long line means nothing, but its end must be found.
            line = part if len(line) < LONGEST_KEPT else line[:LONGEST_KEPT] + part[-1:]
        return line[:-1]

    def _check_frame(self) -> None:
        size = int.from_bytes(self.take(8), "little")
        if size > _LARGEST_FRAME:
            raise self.corrupt(f"a frame claims {size} bytes, but has at most {_LARGEST_FRAME}")
        if self._left is not None and size > self._left - self.position:
            raise self.corrupt(
                f"a frame claims {size} bytes, but {self._left - self.position} are left"
            )


@cache
def _formats() -> dict[bytes, tuple[int, int]]:
    """Return the format of each opcode's argument."""
    import pickletools

    lengths = {
        pickletools.TAKEN_FROM_ARGUMENT1: 1,
        pickletools.TAKEN_FROM_ARGUMENT4: 4,
        pickletools.TAKEN_FROM_ARGUMENT4U: 4,
        pickletools.TAKEN_FROM_ARGUMENT8U: 8,
    }
    formats = {}
    for opcode in pickletools.opcodes:
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
