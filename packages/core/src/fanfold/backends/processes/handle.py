"""One worker as its parent sees it."""

from __future__ import annotations

# The module beneath signal, which makes enumerations: most calls need not wait for these.
import _signal  # type: ignore[import-not-found]  # typeshed does not know it
import os
import select
import sys
from _pickle import dumps, loads
from collections import deque
from time import monotonic

from ..._interrupts import InterruptsHeld
from ..._memory_use import peak_memory_of_child
from ...tasks.running import PartCache
from ...tasks.storing import StoredBuffer
from ...tasks.terms import FOREVER
from .ahead import ahead
from .channel import Channel
from .exchange import Exchange
from .hearing import hear
from .launch import launch
from .life import DEFAULT_LIFE
from .memory_limit import report_retirement
from .messages import BATCH, CALL, FORGET, LIFE, NEWS, OUTCOME, RETIREMENT, SETTINGS
from .refusals import refused
from .settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from ..._buffers import Buffer
    from ...tasks.batches import EncodedBatch
    from ...tasks.storing import Piece
    from .exchange import Place
    from .future import DrivenFuture
    from .life import Life
    from .stock import WorkerStock

    Entry: TypeAlias = tuple[EncodedBatch, DrivenFuture]
    """A batch, and the future that waits for what comes of it."""
    Answer: TypeAlias = tuple[DrivenFuture, object]
    """Such a future, and what to complete it with: an exception is what it fails with."""

__all__ = ["WorkerHandle"]

_SIGKILL = 9


class WorkerHandle:
    """A worker process: its connection, and the batches that it was sent.

    Parameters
    ----------
    environment : mapping
        Environment variables that it gets beside this process's.
    stock : WorkerStock
        Whose segments hold what it is lent.

    Attributes
    ----------
    environment : mapping
        As given.
    entries : collections.deque
        Batches with their futures, sent and not answered, in order: the worker runs the first.
    busy_since : float
        When the first of them was sent, or became the first, on the monotonic clock.
    exit_code : int or None
        Once it ended and was waited for: its exit code, or minus the signal; None where the code
        was lost, because somebody else waited for the process.
    peak_memory : int or None
        By then, the most bytes that it had used, where that can be told.
    was_killed : bool
        Whether it was this process that ended it.
    is_retired : bool
        Whether it leaves because it has become too large.
    """

    _is_closed = True  # until there is something to close

    def __init__(self, environment: Mapping[str, str], stock: WorkerStock) -> None:
        self.environment = environment
        self._stock = stock
        started = ahead.take(environment)
        if started is None:
            started = Settings.current(), launch(environment)  # it takes over those before it
        self._settings, self._process = started
        self._channel = Channel(self._process.connection)
        self._exchange = Exchange(self._process.handover, gives=False)
        self._life: Life = DEFAULT_LIFE
        self._sent_parts: set[bytes] = set()
        self._has_large_parts = False
        self._answered = 0
        self._is_reaped = False
        self.entries: deque[Entry] = deque()
        self.busy_since = 0.0
        self._sent: deque[tuple[int, Sequence[Place | None] | None]] = deque()
        self._wanted_back = 0
        self.exit_code: int | None = None
        self.peak_memory: int | None = None
        self.was_killed = False
        self.is_retired = False
        self._is_closed = False

    def __del__(self) -> None:
        """End a worker that nobody has any more: Ctrl-C may come between any two steps of a call.

        While the interpreter ends there is no need to: then the kernel ends it.
        """
        if not self._is_closed and not sys.is_finalizing():
            self.kill()
            self.close()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def descriptors(self) -> list[int]:
        """What becomes readable when there is something to read, or when it ended."""
        sentinel = self._process.sentinel
        return [self._channel.fd] if sentinel is None else [self._channel.fd, sentinel]

    @property
    def connection(self) -> int:
        """The descriptor of the connection."""
        return self._channel.fd

    def is_alive(self) -> bool:
        """Tell whether the process runs."""
        return not self._is_reaped and not self._reap(os.WNOHANG)

    def adopt(self, settings: Settings) -> None:
        """Begin another call: the worker takes over what changed of the parent's settings."""
        if self._has_large_parts:
            self._channel.send(CALL, b"")
        changes = settings.since(self._settings, self.environment)
        self._settings = settings
        if changes is not None:
            self._channel.send(SETTINGS, dumps(changes, 5))

    def live(self, life: Life) -> None:
        """Have the worker stay so long without work, and become so large, if that is new to it."""
        if life != self._life:
            self._life = life
            self._channel.send(LIFE, dumps(life, 5))

    def send(self, batch: EncodedBatch, future: DrivenFuture) -> bool:
        """Send a batch, and tell whether all of it has gone.

        Raises
        ------
        BrokenPipeError, ConnectionResetError
            If the worker is gone; the batch is among `entries` then.
        """
        if not self.entries:
            self.busy_since = monotonic()
        self.entries.append((batch, future))
        number = self._process.gate.permit()
        known = self._sent_parts
        is_known = batch.terms.key in known and known.issuperset(batch.function_keys)
        tasks = batch.encoded({} if is_known else self._new_parts(batch))
        places, buffers = self._lend(batch.buffers) if batch.buffers else (None, ())
        self._sent.append((number, places))
        news = self._exchange.news(self._stock.known_segments)
        if news is not None:
            self._channel.send(NEWS, news)
        return self._channel.send(BATCH, dumps((tasks, places), 5), buffers)

    def _lend(self, pieces: Sequence[Piece]) -> tuple[list[Place | None], list[bytearray]]:
        """Return where the worker finds buffers in shared memory, and those to send along."""
        from .segments import Part

        places: list[Place | None] = []
        buffers: list[bytearray] = []
        for piece in pieces:
            if isinstance(piece, StoredBuffer) and isinstance(piece.handle, Part):
                places.append(self._exchange.lend(piece.handle, piece.mode))
            else:
                places.append(None)
                buffers.append(_in_memory(piece))
        return places, buffers

    def flush(self) -> bool:
        """Send more of what has not gone, and tell whether all has."""
        return self._channel.flush()

    def receive(self) -> tuple[list[Answer], bool]:
        """Return the answers that are there, and whether the connection is open.

        Batches that are answered leave `entries`. What else the worker says takes effect at once.
        """
        messages, is_open = self._channel.receive_ready()
        answers: list[Answer] = []
        for kind, head, buffers in messages:
            if kind == OUTCOME:
                self._answered += 1
                self.busy_since = monotonic()
                self._sent.popleft()
                answers.append((self.entries.popleft()[1], self._read(head, buffers)))
            elif kind == RETIREMENT:
                self.is_retired = True
                report_retirement(self._process.pid, loads(head))
            elif kind == NEWS:
                self._exchange.hear(head)
            else:
                # Batches are answered in their order: it runs the first that is left.
                hear(kind, head, self.entries[0][0].first_task if self.entries else None)
        return answers, is_open

    def _read(self, head: bytes | Buffer, buffers: Sequence[Buffer]) -> object:
        """Return what an answer says, or the error if it cannot be read."""
        outcome, places = loads(head)
        if places is None:
            return outcome, buffers
        try:
            return outcome, self._exchange.open(places, buffers)
        except OSError as error:
            refusal = refused("cannot map the shared memory of a result", error)
            refusal.__cause__ = error
            return refusal

    def take_back(self) -> Entry | None:
        """Return a batch that the worker has not begun and will pass over, or None."""
        number = self._process.gate.revoke()
        if number is None:
            return None
        position = [sent for sent, _ in self._sent].index(number)
        entry = self.entries[position]
        self._exchange.withdraw(self._sent[position][1])
        del self._sent[position], self.entries[position]
        return entry

    def finished(self) -> list[bytes]:
        """Return what is known of the results of the first entry, if it was begun, all pickled."""
        begun, _, _ = self._process.board.read()
        return self._process.journal.read() if begun > self._answered and self.entries else []

    def running_position(self) -> int | None:
        """Return the position of the task that runs, or ran last, in the first entry.

        None means that the first entry was not begun.
        """
        begun, position, _ = self._process.board.read()
        return position if begun > self._answered and self.entries else None

    def running_since(self) -> float:
        """Return when the present task began, on the performance counter; infinity if none runs."""
        begun, _, _ = self._process.board.read()
        return self._process.board.running_since() if begun > self._answered else FOREVER

    def was_done(self) -> bool:
        """Tell whether the last batch that it began was done, if not answered."""
        return self._process.board.was_done()

    def has_rest(self) -> bool:
        """Tell whether the first entry has tasks that were not begun and not asked for."""
        if not self.entries or self.is_wanted_back:
            return False
        return (self.running_position() or 0) + 1 < self.entries[0][0].size

    @property
    def is_wanted_back(self) -> bool:
        """Whether the worker was asked for the rest of the first entry."""
        return self._wanted_back == self._answered + 1

    def want_back(self) -> None:
        """Ask the worker for the rest of the first entry: it answers after its present task."""
        self._wanted_back = self._answered + 1
        self._process.board.want_back(self._wanted_back)

    def was_ready(self) -> bool:
        """Tell whether it ever came up."""
        return self._process.board.read()[2]

    def wait(self, seconds: float) -> None:
        """Wait for the process to end, but not longer than this."""
        poll = select.poll()
        if self._process.sentinel is not None:
            poll.register(self._process.sentinel, select.POLLIN)
        else:
            poll.register(self._process.lifeline, 0)  # an error, when nobody is left to read it
        poll.poll(1000 * max(0.0, seconds))

    def kill(self) -> None:
        """End the process now."""
        if self._is_reaped:
            return
        self.was_killed = True
        try:
            if self._process.sentinel is not None:
                _signal.pidfd_send_signal(self._process.sentinel, _SIGKILL)
            else:
                os.kill(self._process.pid, _SIGKILL)
        except ProcessLookupError:
            self._is_reaped = True  # it ended, and somebody else waited for it

    def close(self) -> None:
        """Wait for the process, which has ended or was killed, and let go of everything, once.

        The numbers of closed descriptors belong to others soon.
        """
        if self._is_closed:
            return
        self._reap(0)  # may take a moment, in which Ctrl-C may come: then all of it is still to do
        with InterruptsHeld():
            self._is_closed = True
            self.hang_up()
            self._exchange.close()
            self._process.close_private()

    def hang_up(self) -> None:
        """Close the connection: a worker that is idle leaves by itself."""
        with InterruptsHeld():
            self._channel.close()

    def let_go(self) -> None:
        """Leave the worker, which was hung up, to itself: it ends when it has tidied up."""
        self._is_closed = True

    def abandon(self) -> None:
        """Close the descriptors in a forked child; the worker belongs to the parent."""
        self._is_reaped = True
        self.close()

    def _new_parts(self, batch: EncodedBatch) -> dict[bytes, bytes]:
        """Return the terms and functions that the worker must be sent.

        It knows the others for as long as it has not been told to forget.
        """
        if len(self._sent_parts) > PartCache.LIMIT:
            self._sent_parts.clear()
            self._has_large_parts = False
            self._channel.send(FORGET, b"")
        parts = (batch.terms, *batch.functions)
        new = {part.key: part.data for part in parts if part.key not in self._sent_parts}
        self._sent_parts.update(new)
        if any(len(data) >= PartCache.LARGE for data in new.values()):
            self._has_large_parts = True
        return new

    def _reap(self, options: int) -> bool:
        if self._is_reaped:
            return True
        try:
            pid, status, usage = os.wait4(self._process.pid, options)
        except ChildProcessError:
            self._is_reaped = True  # somebody else waited for it, and has its exit code
            return True
        if pid:
            self._is_reaped = True
            self.exit_code = os.waitstatus_to_exitcode(status)
            self.peak_memory = peak_memory_of_child(usage)
        return self._is_reaped


def _in_memory(piece: Piece) -> bytearray:
    """Return a buffer for which there was no room in shared memory."""
    if isinstance(piece, StoredBuffer):
        assert isinstance(piece.handle, bytearray)
        return piece.handle
    return piece
