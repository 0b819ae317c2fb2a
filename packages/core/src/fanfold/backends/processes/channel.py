"""Messages over one end of a socket pair: a head of bytes, and buffers beside it.

On the wire: the length of the head, the number of buffers and the kind of message (``<QII``), the
length of each buffer (``<Q``), the head, the buffers. Buffers are written from where they lie and
read to where they stay, so each is copied once by the kernel on either side.
"""

from __future__ import annotations

import os
from collections import deque
from struct import Struct

from ..._buffers import allocate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from ..._buffers import Buffer

    Message: TypeAlias = tuple[int, bytes | Buffer, list[Buffer]]
    """Its kind, its head, and the buffers beside it."""
    Piece: TypeAlias = bytes | Buffer

__all__ = ["Channel"]

_PREFIX = Struct("<QII")
_JOINED = 1 << 12
_MOST_PIECES = 64
"""Pieces for one ``writev``; systems allow at least this many."""


class Channel:
    """One end of a connection; blocking or not, as its file descriptor is.

    Parameters
    ----------
    fd : int
        The file descriptor of a connected stream socket. The channel owns it.
    """

    SCRATCH = 1 << 16  # bytes read at once beyond what is awaited

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._unsent: deque[Piece] = deque()
        self._scratch = memoryview(bytearray(self.SCRATCH))
        self._parser = _Parser()

    def send(self, kind: int, head: Piece, buffers: Sequence[Piece] = ()) -> bool:
        """Send a message, or as much of it as goes now, and tell whether all has gone.

        Raises
        ------
        BrokenPipeError, ConnectionResetError
            If the other end is closed.
        """
        prefix = _PREFIX.pack(len(head), len(buffers), kind)
        if not buffers and len(head) < _JOINED:
            pieces: list[Piece] = [prefix + head]  # copying a little costs less than a list
        else:
            prefix += b"".join(len(buffer).to_bytes(8, "little") for buffer in buffers)
            pieces = [prefix, head, *buffers]
        if self._unsent:
            self._unsent.extend(pieces)
            return self.flush()
        sent = self._write(pieces[:_MOST_PIECES])
        if sent == len(pieces[0]) and len(pieces) == 1:
            return True
        self._unsent.extend(_after(sent, pieces))
        return not self._unsent or self.flush()

    def flush(self) -> bool:
        """Send what is left of earlier messages, as much as goes now; true when nothing is left."""
        while self._unsent:
            pieces = [self._unsent.popleft() for _ in range(min(len(self._unsent), _MOST_PIECES))]
            sent = self._write(pieces)
            self._unsent.extendleft(reversed(_after(sent, pieces)))
            if sent == 0:
                return False
        return True

    def receive(self) -> Message | None:
        """Wait for one message; None when the other end is closed, or nothing came in time.

        For a blocking descriptor. The time is the socket's own receive timeout, and counts only
        between messages.
        """
        while not self._parser.messages:
            try:
                self._read()
            except BlockingIOError:
                if self._parser.at_boundary:
                    return None
            if self._parser.ended:
                return None
        return self._parser.messages.popleft()

    def receive_ready(self) -> tuple[list[Message], bool]:
        """Return the messages that are there, and whether the other end is still open.

        For a descriptor that does not block.
        """
        try:
            while self._read():
                pass
        except BlockingIOError:
            pass
        except ConnectionResetError:
            self._parser.ended = True
        messages = list(self._parser.messages)
        self._parser.messages.clear()
        return messages, not self._parser.ended

    def close(self) -> None:
        """Close the descriptor, once."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def _read(self) -> bool:
        """Read once, and tell whether there may be more."""
        target = self._parser.target
        room = len(target) + self.SCRATCH
        count = os.readv(self.fd, [target, self._scratch])
        self._parser.feed(count, self._scratch)
        return count == room

    def _write(self, pieces: Sequence[Piece]) -> int:
        try:
            return os.write(self.fd, pieces[0]) if len(pieces) == 1 else os.writev(self.fd, pieces)
        except BlockingIOError:
            return 0


def _after(sent: int, pieces: Sequence[Piece]) -> list[Piece]:
    """Return what is left of the pieces after `sent` bytes of them have gone."""
    left: list[Piece] = []
    for piece in pieces:
        if sent >= len(piece):
            sent -= len(piece)
        else:
            left.append(memoryview(piece)[sent:])
            sent = 0
    return left


class _Parser:
    """Makes messages of bytes that arrive in pieces.

    Attributes
    ----------
    target : memoryview
        Where the next bytes belong; empty where a new message begins.
    messages : collections.deque
        The complete ones.
    ended : bool
        Whether the other end is closed.
    """

    def __init__(self) -> None:
        self.target = _NOWHERE
        self.messages: deque[Message] = deque()
        self.ended = False
        self._prefix = bytearray()
        self._pieces: list[Buffer] = []
        self._filled = 0
        self._kind = 0

    @property
    def at_boundary(self) -> bool:
        """Whether nothing of a message has arrived beyond the complete ones."""
        return not self._prefix and not self._pieces

    def feed(self, count: int, scratch: memoryview) -> None:
        """Take in `count` bytes: those that filled `target`, and the rest from `scratch`."""
        if count == 0:
            self.ended = True
        beyond = count - len(self.target)
        if beyond < 0:
            self.target = self.target[count:]
            return
        if self._pieces:
            self._next_piece()
        data = scratch[:beyond]
        while len(data):
            data = self._fill(data) if self._pieces else self._begin(data)

    def _fill(self, data: memoryview) -> memoryview:
        count = min(len(data), len(self.target))
        self.target[:count] = data[:count]
        self.target = self.target[count:]
        if not len(self.target):
            self._next_piece()
        return data[count:]

    def _begin(self, data: memoryview) -> memoryview:
        if self._prefix:
            data = memoryview(bytes(self._prefix) + data)
            self._prefix = bytearray()
        start = _PREFIX.size
        if len(data) >= start:
            length, count, kind = _PREFIX.unpack_from(data)
            start += 8 * count
            if len(data) >= start:
                if count == 0 and len(data) >= start + length:
                    # The usual small message, whole.
                    self.messages.append((kind, bytes(data[start : start + length]), []))
                    return data[start + length :]
                sizes = memoryview(data[_PREFIX.size : start]).cast("Q")
                self._kind = kind
                self._pieces = [allocate(length), *map(allocate, sizes)]
                self._filled = -1
                self._next_piece()
                return data[start:]
        self._prefix = bytearray(data)
        return _NOWHERE

    def _next_piece(self) -> None:
        """Go on to the next piece that is not empty, or finish the message."""
        self._filled += 1
        while self._filled < len(self._pieces):
            piece = self._pieces[self._filled]
            if len(piece):
                self.target = memoryview(piece)
                return
            self._filled += 1
        self.messages.append((self._kind, self._pieces[0], self._pieces[1:]))
        self._pieces = []
        self.target = _NOWHERE


_NOWHERE = memoryview(bytearray())
