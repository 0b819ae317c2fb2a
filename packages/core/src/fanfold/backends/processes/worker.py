"""What runs in a worker process: read a batch, run it, send its outcome, until the parent goes.

Every import here is paid by each worker at its start, before its first task.
"""

from __future__ import annotations

import os
import sys
from _pickle import dumps, loads
from mmap import mmap

from ...tasks.running import PartCache, run_tasks
from .board import Board
from .channel import Channel
from .gate import Permits
from .messages import BATCH, FORGET, LIFE, OUTCOME, RETIREMENT, SETTINGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..._buffers import Buffer
    from ...tasks.running import EncodedTasks
    from .memory_limit import MemoryLimit

__all__ = ["main"]

_SIGINT, _SIGKILL = 2, 9


def main(connection: int, board: int, lifeline: int, gate: int) -> None:
    """Serve the parent until it closes the connection, or sends nothing for its timeout.

    Parameters
    ----------
    connection : int
        The descriptor of this end of the socket pair.
    board : int
        The descriptor of the file in which to write what runs.
    lifeline : int
        The descriptor of a pipe whose other end only the parent holds.
    gate : int
        The descriptor from which to take permission for each batch.
    """
    _die_with_parent(lifeline)
    # Observers belong to the parent: what runs here must not load them again.
    os.environ.pop("FANFOLD_HOOKS", None)
    _leave_interrupts_to_parent()
    worker = _Worker(Channel(connection), Board(mmap(board, Board.SIZE)), gate)
    os.close(board)
    worker.serve()


class _Worker:
    def __init__(self, channel: Channel, board: Board, gate: int) -> None:
        self._channel = channel
        self._board = board
        self._permits = Permits(gate)
        self._parts = PartCache()
        self._memory_limit: MemoryLimit | None = None
        self._is_retired = False

    def serve(self) -> None:
        self._board.write_ready()
        while not self._is_retired and (message := self._channel.receive()) is not None:
            kind, head, buffers = message
            if kind == BATCH:
                self._take(loads(head), buffers)
            elif kind == SETTINGS:
                _apply(*loads(head))
            elif kind == FORGET:
                self._parts.clear()
            elif kind == LIFE:
                self._live(*loads(head))
            del message, head, buffers  # nothing of one batch outlives it
        self._channel.close()

    def _take(self, tasks: EncodedTasks, buffers: Sequence[Buffer]) -> None:
        """Run a batch, unless it was taken back."""
        if not self._permits.take():
            self._parts.learn(tasks)
            return
        self._board.write_started()
        outcome, out_buffers = run_tasks(tasks, buffers, self._parts, self._board.write_position)
        _flush_output()
        try:
            if self._memory_limit is not None:
                self._retire_if_too_large(len(outcome[1]))
            self._channel.send(OUTCOME, dumps(outcome, 5), out_buffers)
        except (BrokenPipeError, ConnectionResetError):
            return  # the parent gave this batch up; the next receive says so too

    def _live(self, idle_seconds: float, max_rss: int | None) -> None:
        """Take over how long to stay without work, and how large to become."""
        from .life import set_receive_timeout
        from .memory_limit import MemoryLimit

        set_receive_timeout(self._channel.fd, idle_seconds)
        self._memory_limit = None if max_rss is None else MemoryLimit(max_rss)

    def _retire_if_too_large(self, n_tasks: int) -> None:
        assert self._memory_limit is not None
        retirement = self._memory_limit.check(n_tasks)
        if retirement is not None:
            self._is_retired = True
            self._channel.send(RETIREMENT, dumps(retirement, 5))


def _apply(path: list[str], directory: str | None) -> None:
    """Take over the parent's import path and current directory."""
    sys.path[:] = path
    if directory is not None:
        os.chdir(directory)


def _flush_output() -> None:
    """Let the user see what a task printed when it is done, not when a buffer is full."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            pass  # nobody reads it any more, or the task closed it: that is not the task's result


def _leave_interrupts_to_parent() -> None:
    """Do nothing on Ctrl-C: the parent decides, and ends this process if need be.

    A handler that does nothing, and not SIG_IGN, because programs that a task starts would inherit
    the latter.
    """
    # The module beneath signal, which makes enumerations: that takes longer than the first task.
    import _signal  # type: ignore[import-not-found]  # typeshed does not know it

    _signal.signal(_SIGINT, lambda signal_number, frame: None)


def _die_with_parent(lifeline: int) -> None:
    """Have the kernel end this process when the parent is gone, however it went.

    Linux can send a signal when the last writer of a pipe is gone, which needs no thread and works
    while a task holds the GIL. Elsewhere a thread waits for that.
    """
    if sys.platform == "linux":
        import fcntl

        fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, _SIGKILL)
        flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC)
        if _has_ended(lifeline):  # before the signal was asked for
            os._exit(1)
    else:
        import _thread

        _thread.start_new_thread(_exit_at_end_of, (lifeline,))


def _has_ended(lifeline: int) -> bool:
    os.set_blocking(lifeline, False)
    try:
        return os.read(lifeline, 1) == b""
    except BlockingIOError:
        return False


def _exit_at_end_of(lifeline: int) -> None:
    os.read(lifeline, 1)
    os._exit(1)
