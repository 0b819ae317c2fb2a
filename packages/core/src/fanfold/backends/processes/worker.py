"""What runs in a worker process: read a batch, run it, send its outcome, until the parent goes.

Every import here is paid by each worker at its start, before its first task.
"""

from __future__ import annotations

import os
import sys
from _pickle import dumps, loads
from mmap import mmap

from ...tasks.running import PartCache, encode_failure, run_tasks
from ...tasks.travel.reports import reports
from .board import Board
from .channel import Channel
from .exchange import Exchange
from .gate import Permits
from .handover import Handover
from .journal import Journal
from .messages import BATCH, CALL, FORGET, LIFE, NEWS, OUTCOME, RETIREMENT, SETTINGS
from .outlet import Outlet
from .output import LineStream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..._buffers import Buffer
    from ...tasks.running import EncodedOutcome, EncodedTasks
    from .exchange import Place
    from .memory_limit import MemoryLimit
    from .segments import SegmentPool

__all__ = ["main"]

_SIGINT, _SIGKILL = 2, 9


def main(connection: int, shared: int, lifeline: int, gate: int, handover: int) -> None:
    """Serve the parent until it closes the connection, or sends nothing for its timeout.

    Parameters
    ----------
    connection : int
        The descriptor of this end of the socket pair.
    shared : int
        The descriptor of the file in which to write what runs, and what was done.
    lifeline : int
        The descriptor of a pipe whose other end only the parent holds.
    gate : int
        The descriptor from which to take permission for each batch.
    handover : int
        The descriptor of the socket on which to hand over descriptors of segments.
    """
    _die_with_parent(lifeline)
    # Observers belong to the parent: what runs here must not load them again.
    os.environ.pop("FANFOLD_HOOKS", None)
    _leave_interrupts_to_parent()
    memory = mmap(shared, Board.SIZE + Journal.SIZE)
    os.close(shared)
    worker = _Worker(Channel(connection), memory, gate, handover)
    worker.serve()


class _Worker:
    def __init__(self, channel: Channel, memory: mmap, gate: int, handover: int) -> None:
        self._channel = channel
        self._board = Board(memory)
        self._journal = Journal(memory, Board.SIZE)
        self._permits = Permits(gate)
        self._parts = PartCache(told_of_calls=True)
        self._memory_limit: MemoryLimit | None = None
        self._is_retired = False
        self._exchange = Exchange(Handover(handover), gives=True)
        self._segments: SegmentPool | None = None
        self._outlet = Outlet(channel, self._board)
        self._streams = LineStream("stdout", self._outlet), LineStream("stderr", self._outlet)

    def serve(self) -> None:
        sys.stdout, sys.stderr = self._streams
        reports.tell_parent(self._outlet)
        self._board.write_ready()
        while not self._is_retired and (message := self._channel.receive()) is not None:
            kind, head, buffers = message
            if kind == BATCH:
                tasks, places = loads(head)
                self._take(tasks, places, buffers)
                del tasks, places  # nothing of one batch outlives it
            elif kind == SETTINGS:
                _apply(*loads(head))
            elif kind == FORGET:
                self._parts.clear()
            elif kind == CALL:
                self._parts.begin_call()
            elif kind == LIFE:
                self._live(*loads(head))
            elif kind == NEWS:
                self._exchange.hear(head)
            del message, head, buffers
        self._outlet.close()  # what is printed from here on goes where the worker's own output does
        self._channel.close()

    def _take(
        self,
        tasks: EncodedTasks,
        places: Sequence[Place | None] | None,
        buffers: Sequence[Buffer],
    ) -> None:
        """Run a batch, unless it was taken back."""
        if not self._permits.take():
            self._parts.learn(tasks)
            return
        self._journal.begin()
        self._board.write_started()
        if places is None:
            outcome, out_buffers = run_tasks(
                tasks, buffers, self._parts, self._begin, self._journal.add
            )
        else:
            outcome, out_buffers = self._run_with_lent(tasks, places, buffers)
        self._board.write_done()
        self._end_lines()
        _flush_inherited()
        # If nobody is there to read it, the next receive says so too.
        if self._memory_limit is not None:
            self._retire_if_too_large(len(outcome[1]))
        self._answer(outcome, out_buffers, tasks)

    def _begin(self, position: int, now: float) -> bool:
        """Take note that the task at a position begins, and the one before has ended.

        False if the rest of the batch is wanted back.
        """
        stdout, stderr = self._streams
        if position and (stdout.unfinished or stderr.unfinished):
            self._end_lines()
        return self._board.write_position(position, now)

    def _end_lines(self) -> None:
        for stream in self._streams:
            if stream.unfinished:
                stream.end_lines()

    def _run_with_lent(
        self, tasks: EncodedTasks, places: Sequence[Place | None], buffers: Sequence[Buffer]
    ) -> tuple[EncodedOutcome, list[memoryview]]:
        """Run a batch some of whose buffers lie in shared memory."""
        try:
            opened = self._exchange.open(places, buffers)
        except OSError as error:
            self._parts.learn(tasks)
            return (0.0, [], 0, None, [encode_failure(0, "arguments", error, same_host=True)]), []
        return run_tasks(tasks, opened, self._parts, self._begin, self._journal.add)

    def _answer(
        self, outcome: EncodedOutcome, views: Sequence[memoryview], tasks: EncodedTasks
    ) -> None:
        """Send the outcome of tasks, its large buffers through shared memory."""
        places: list[Place | None] | None = None
        if views and (max_nbytes := self._parts.terms_of(tasks).max_nbytes) is not None:
            places = [self._lend(view, max_nbytes) for view in views]
            views = [view for view, place in zip(views, places, strict=True) if place is None]
        news = self._exchange.news(self._segments)
        if news is not None:
            self._outlet.send(NEWS, news)
        self._outlet.send(OUTCOME, dumps((outcome, places), 5), views)

    def _lend(self, view: memoryview, max_nbytes: int) -> Place | None:
        if view.nbytes < max_nbytes:
            return None
        from .segments import LARGEST_SHARING, SegmentPool

        if view.nbytes <= LARGEST_SHARING:
            return None  # segments that several buffers share would stay with the last of them
        if self._segments is None:
            from .budget import memory_budget

            # All workers together have as much as their parent.
            self._segments = SegmentPool(memory_budget() // (2 * (os.cpu_count() or 1)))
        try:
            part = self._segments.store(view)
        except Warning:  # an error by the user's filters, but not the task's
            part = None
        return None if part is None else self._exchange.lend(part, "c")

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
            self._outlet.send(RETIREMENT, dumps(retirement, 5))


def _apply(path: list[str], directory: str | None, variables: dict[str, str | None]) -> None:
    """Take over the parent's import path, directory, and what changed of its environment."""
    sys.path[:] = path
    if directory is not None:
        os.chdir(directory)
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _flush_inherited() -> None:
    """Let the user see what a task wrote there when it is done, not when a buffer is full."""
    for stream in (sys.__stdout__, sys.__stderr__):
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
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, (_SIGINT,))


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
