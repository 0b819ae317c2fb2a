"""The worker's end of the connection, as all of its threads write to it."""

from __future__ import annotations

import os
from _pickle import dumps
from _thread import allocate_lock
from collections import deque

from .messages import REPORT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..._buffers import Buffer
    from .board import Board
    from .channel import Channel

__all__ = ["Outlet"]


class Outlet:
    """Sends messages whole and in order, from any thread, and in the midst of sending another.

    The latter happens when the collector of garbage runs within `send`, and what it finalizes
    warns or prints: so nobody waits for the lock, but leaves the message to whoever holds it.

    Parameters
    ----------
    channel : Channel
        The connection.
    board : Board
        What says which task runs.
    """

    def __init__(self, channel: Channel, board: Board) -> None:
        self._channel = channel
        self._board = board
        self._lock = allocate_lock()
        self._unsent: deque[tuple[int, bytes, Sequence[Buffer]]] = deque()
        self._is_open = True
        # The connection is the worker's: what a child of it sends would be taken for the worker's.
        os.register_at_fork(after_in_child=self.close)

    def send(self, kind: int, head: bytes, buffers: Sequence[Buffer] = ()) -> bool:
        """Send a message, and tell whether there is somebody to read it."""
        if not self._is_open:
            return False
        self._unsent.append((kind, head, buffers))
        # Who could not get the lock may leave: its holder looks here once more when it is free.
        while self._unsent and self._lock.acquire(blocking=False):
            try:
                while self._unsent:
                    self._channel.send(*self._unsent.popleft())
            except (BrokenPipeError, ConnectionResetError):
                self.close()
            finally:
                self._lock.release()
        return self._is_open

    def tell(self, kind: str, content: bytes) -> bool:
        """Send a report of the task that runs."""
        return self.send(REPORT, dumps((self._board.position, kind, content), 5))

    def close(self) -> None:
        """Send nothing any more."""
        self._is_open = False
        self._unsent.clear()
