"""How long a worker stays, and how large it may become."""

from __future__ import annotations

from struct import pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Life: TypeAlias = tuple[float, int | None]
    """After how many seconds without work it leaves, and at how many bytes of memory, if any."""

__all__ = ["DEFAULT_LIFE", "receive_timeout", "set_receive_timeout"]

DEFAULT_LIFE: Life = (300.0, None)
"""What a worker is started with."""


def receive_timeout(seconds: float) -> bytes:
    """Return the socket option by which the kernel ends a wait for a message."""
    whole = int(seconds)
    return pack("@ll", whole, int((seconds - whole) * 1e6))


def set_receive_timeout(connection: int, seconds: float) -> None:
    """Have a worker leave that is sent nothing for so long.

    Parameters
    ----------
    connection : int
        The descriptor of its socket.
    seconds : float
        Above 0.
    """
    # The module beneath socket, which makes enumerations: that takes longer than a task.
    import _socket

    socket = _socket.socket(fileno=connection)
    try:
        socket.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVTIMEO, receive_timeout(seconds))
    finally:
        socket.detach()
