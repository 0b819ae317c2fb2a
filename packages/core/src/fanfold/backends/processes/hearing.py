"""What workers say beside their answers: what tasks print, warn of and log."""

from __future__ import annotations

from _pickle import loads

from .messages import OUTPUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..._buffers import Buffer

__all__ = ["hear"]


def hear(kind: int, head: bytes | Buffer, first_task: int | None) -> None:
    """Have a message take effect in this process.

    Parameters
    ----------
    kind : int
        The kind of message.
    head : bytes
        What it says.
    first_task : int or None
        The first task of the batch that the worker ran when it said so. None stands for a thread
        of an earlier task that goes on talking.
    """
    if kind == OUTPUT:
        from .output import write_output

        write_output(head)
        return
    from ...tasks.travel.delivery import deliver

    deliver(loads(head), first_task)
