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
_PREFIX_SIZE = _PREFIX.size
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

    MOST_AT_ONCE = 1 << 16
    """So many bytes are read at once where messages begin."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._unsent: deque[Piece] = deque()
        self._parser = _Parser()

    def send(self, kind: int, head: Piece, buffers: Sequence[Piece] = ()) -> bool:
        """Send a message, or as much of it as goes now, and tell whether all has gone.

        Raises
        ------
        BrokenPipeError, ConnectionResetError
            If the other end is closed.
        """
        length = len(head)
        prefix = _PREFIX.pack(length, len(buffers), kind)
        if buffers or length >= _JOINED:
            sizes = [len(buffer).to_bytes(8, "little") for buffer in buffers]
            self._unsent.extend((b"".join((prefix, *sizes)), head, *buffers))
            return self.flush()
        message = prefix + head  # copying a little costs less than a list
        if not self._unsent:  # what is small nearly always goes at once
            try:
                sent = os.write(self.fd, message)
            except BlockingIOError:
                sent = 0
            if sent == _PREFIX_SIZE + length:
                return True
            message = message[sent:]
        self._unsent.append(message)
        return self.flush()

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
        if target is None:
            data = os.read(self.fd, self.MOST_AT_ONCE)
            self._parser.feed(data)
            return len(data) == self.MOST_AT_ONCE
        count = os.readv(self.fd, [target])
        self._parser.filled(count)
        return count == len(target)

    def _write(self, pieces: Sequence[Piece]) -> int:
        try:
            return os.writev(self.fd, pieces)
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
    target : memoryview or None
        Where the next bytes belong; None where a message begins.
    messages : collections.deque
        The complete ones.
    ended : bool
        Whether the other end is closed.
    """

    def __init__(self) -> None:
        self.target: memoryview | None = None
        self.messages: deque[Message] = deque()
        self.ended = False
        self._begun = b""
        self._pieces: list[Buffer] = []
        self._n_filled = 0
        self._kind = 0

    @property
    def at_boundary(self) -> bool:
        """Whether nothing of a message has arrived beyond the complete ones."""
        return not self._begun and not self._pieces

    def feed(self, data: bytes) -> None:
        """Take in bytes that arrived where a message begins."""
        if not data:
            self.ended = True
            return
        if self._begun:
            data = self._begun + data
        start, end = 0, len(data)
        while (body := start + _PREFIX_SIZE) <= end:
            length, n_buffers, kind = _PREFIX.unpack_from(data, start)
            if n_buffers == 0 and body + length <= end:
                # The usual small message, whole.
                start = body + length
                self.messages.append((kind, data[body:start], []))
                continue
            sizes_end = body + 8 * n_buffers
            if sizes_end > end:
                break
            sizes = memoryview(data)[body:sizes_end].cast("Q")
            self._kind = kind
            self._pieces = [allocate(length), *map(allocate, sizes)]
            self._n_filled = 0
            self._aim()
            start = self._fill(data, sizes_end)
        self._begun = data[start:]

    def filled(self, count: int) -> None:
        """Take note that so many bytes arrived in `target`."""
        assert self.target is not None
        if not count:
            self.ended = True
        self.target = self.target[count:]
        if not len(self.target):
            self._n_filled += 1
            self._aim()

    def _fill(self, data: bytes, start: int) -> int:
        """Copy to the pieces what there is of them in `data`, and return where that ends."""
        while self.target is not None and start < len(data):
            count = min(len(data) - start, len(self.target))
            self.target[:count] = memoryview(data)[start : start + count]
            self.filled(count)
            start += count
        return start

    def _aim(self) -> None:
        """Go on to the next piece that is not empty, or finish the message."""
        for piece in self._pieces[self._n_filled :]:
            if len(piece):
                self.target = memoryview(piece)
                return
            self._n_filled += 1
        self.messages.append((self._kind, self._pieces[0], self._pieces[1:]))
        self._pieces = []
        self.target = None
