"""Handing descriptors of segments from a worker to its parent.

A result in shared memory must outlive the worker that made it, and a worker may be killed as soon
as it has answered. A descriptor that was handed over is the receiver's, even before it looks: so
what was finished is not lost. The other way there is no need: no worker outlives its parent.
"""

from __future__ import annotations

import os
from struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

__all__ = ["Handover"]

_NUMBER = Struct("<Q")
_DESCRIPTOR = Struct("@i")


class Handover:
    """One end of the socket pair on which descriptors are handed over.

    Parameters
    ----------
    connection : int
        The descriptor of this end. The handover owns it.
    """

    def __init__(self, connection: int) -> None:
        self._connection = connection
        self._socket: _socket.socket | None = None
        self._arrived: dict[int, int] = {}

    def give(self, number: int, descriptor: int) -> bool:
        """Hand over a copy of a descriptor, and tell whether there was room for it."""
        import _socket

        rights = _socket.SOL_SOCKET, _socket.SCM_RIGHTS, _DESCRIPTOR.pack(descriptor)
        try:
            self._open().sendmsg([_NUMBER.pack(number)], [rights], _socket.MSG_DONTWAIT)
        except OSError:
            return False  # more are under way than the system allows, or the parent is gone
        return True

    def take(self, number: int) -> int:
        """Return the descriptor that was handed over under a number; it is the caller's now.

        Raises
        ------
        OSError
            If it did not arrive, because this process can have no more descriptors.
        """
        while number not in self._arrived:
            self._receive()
        return self._arrived.pop(number)

    def close(self) -> None:
        """Close this end, and what arrived and was not taken."""
        for descriptor in self._arrived.values():
            os.close(descriptor)
        self._arrived.clear()
        if self._socket is not None:
            self._socket.close()
        elif self._connection >= 0:
            os.close(self._connection)
        self._connection = -1

    def _receive(self) -> None:
        import _socket

        room = _socket.CMSG_SPACE(_DESCRIPTOR.size)
        data, rights, _, _ = self._open().recvmsg(_NUMBER.size, room, _socket.MSG_DONTWAIT)
        if not rights:
            from errno import EMFILE

            raise OSError(EMFILE, "a descriptor of shared memory did not arrive")
        (number,) = _NUMBER.unpack(data)
        (self._arrived[number],) = _DESCRIPTOR.unpack(rights[0][2])

    def _open(self) -> _socket.socket:
        if self._socket is None:
            import _socket  # the one without the enumerations of the module socket

            self._socket = _socket.socket(fileno=self._connection)
        return self._socket
