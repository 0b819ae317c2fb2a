"""The processes backend: a pool of worker processes of our own.

- ``backend.py``: what users choose.
- ``executor.py``: one call's hold on some workers, driven by whoever waits.
- ``watching.py``, ``bell.py``, ``future.py``: what it waits with, and for.
- ``losses.py``: what is told of workers that ended.
- ``stock.py``: the idle workers, kept from call to call.
- ``handle.py``, ``launch.py``, ``ahead.py``: one worker as its parent sees it, and how it is
  started; the first one early.
- ``board.py``, ``journal.py``, ``gate.py``: memory and a pipe that both share: what a worker does,
  what it has done, and which batch it may begin.
- ``life.py``, ``memory_limit.py``: how long it stays, and how large it may become.
- ``refusals.py``: what to say when the system has no more descriptors or processes.
- ``segments.py``, ``budget.py``: shared memory for large buffers, used again and again.
- ``exchange.py``, ``borrowing.py``, ``handover.py``: lending what lies there to the other side.
- ``channel.py``, ``messages.py``: messages over a socket pair; used on both sides.
- ``settings.py``: what workers take over from their parent before each call.
- ``worker.py``: what runs in a worker process; it imports as little as it can.
- ``outlet.py``, ``output.py``: how its threads send messages, and what they print.
- ``hearing.py``: what becomes of that in the parent.

Exported on first use, so that a worker does not import its parent's side.
"""

from __future__ import annotations

__all__ = ["ProcessesBackend"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .backend import ProcessesBackend


def __getattr__(name: str) -> object:
    if name == "ProcessesBackend":
        from .backend import ProcessesBackend

        return ProcessesBackend
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
