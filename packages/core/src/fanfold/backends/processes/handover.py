"""Handing descriptors of segments from a worker to its parent.

A result in shared memory must outlive the worker that made it, and a worker may be killed as soon
as it has answered. A descriptor that was handed over is the receiver's, even before it looks: so
what was finished is not lost. The other way there is no need: no worker outlives its parent.
"""

from __future__ import annotations

import os
from errno import EMFILE
from struct import Struct

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
        self._arrived: dict[int, int | None] = {}

    def give(self, number: int, descriptor: int) -> bool:
        """Hand over a copy of a descriptor, and tell whether there was room for it."""
        import _socket  # the one without the enumerations of the module socket

        rights = _socket.SOL_SOCKET, _socket.SCM_RIGHTS, _DESCRIPTOR.pack(descriptor)
        end = _socket.socket(fileno=self._connection)
        try:
            end.sendmsg([_NUMBER.pack(number)], [rights], _socket.MSG_DONTWAIT)
        except OSError:
            return False  # more are under way than the system allows, or the parent is gone
        finally:
            end.detach()
        return True

    def take(self, number: int) -> int:
        """Return the descriptor that was handed over under a number; it is the caller's now.

        Raises
        ------
        OSError
            If it was lost on the way, because this process can have no more descriptors.
        """
        while number not in self._arrived:
            self._receive()
        descriptor = self._arrived.pop(number)
        if descriptor is None:
            raise OSError(EMFILE, "no descriptor was left for the shared memory of a result")
        return descriptor

    def close(self) -> None:
        """Close this end, and what arrived and was not taken."""
        for descriptor in self._arrived.values():
            if descriptor is not None:
                os.close(descriptor)
        self._arrived.clear()
        os.close(self._connection)
        self._connection = -1  # its number may be another's soon

    def _receive(self) -> None:
        import _socket

        room = _socket.CMSG_SPACE(_DESCRIPTOR.size)
        end = _socket.socket(fileno=self._connection)
        try:
            data, rights, _, _ = end.recvmsg(_NUMBER.size, room, _socket.MSG_DONTWAIT)
        finally:
            end.detach()
        (number,) = _NUMBER.unpack(data)
        # Where there is no room for a descriptor, the system drops it.
        self._arrived[number] = _DESCRIPTOR.unpack(rights[0][2])[0] if rights else None
