"""What workers say beside their answers: what tasks print, warn of and log."""

from __future__ import annotations

from _pickle import loads

from .messages import OUTCOME, OUTPUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..._buffers import Buffer
    from .handle import WorkerHandle

__all__ = ["hear", "hear_last"]


def hear(kind: int, head: bytes | Buffer, worker: WorkerHandle) -> None:
    """Have a message take effect in this process.

    A worker runs the first of its entries. Without any, it is a thread of an earlier task that goes
    on talking.
    """
    if kind == OUTPUT:
        from .output import write_output

        write_output(head)
        return
    from ...tasks.travel.delivery import deliver

    deliver(loads(head), worker.entries[0][0].first_task if worker.entries else None)


def hear_last(worker: WorkerHandle) -> None:
    """Hear a worker that is about to be ended, and whose answers are not wanted any more."""
    messages, _ = worker.receive()
    for kind, head, _ in messages:
        if kind == OUTCOME:
            worker.answered()
        else:
            hear(kind, head, worker)
