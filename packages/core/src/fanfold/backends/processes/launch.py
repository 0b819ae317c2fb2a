"""Starting a worker process: a fresh interpreter that shares nothing but a few descriptors."""

from __future__ import annotations

# The modules beneath signal and socket, which make enumerations: that takes a third of a start.
import _signal  # type: ignore[import-not-found]  # typeshed does not know it
import _socket
import os
import sys
from mmap import mmap

from ...errors import BackendUnavailableError
from .board import Board
from .gate import Gate
from .handover import Handover
from .journal import Journal
from .life import DEFAULT_LIFE, receive_timeout
from .refusals import refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["Launched", "launch"]


class Launched:
    """The parent's ends of what it shares with a new worker.

    Attributes
    ----------
    pid : int
        The process.
    connection : int
        The socket, not blocking.
    lifeline : int
        The pipe's writing end, whose closing ends the worker.
    sentinel : int or None
        A descriptor that becomes readable when the process ends, where the platform has one.
    gate : Gate
        Which of the batches it was sent it may begin.
    handover : Handover
        How it hands over descriptors.
    board : Board
        What it is doing.
    journal : Journal
        What it has done of its present batch.
    """

    __slots__ = (
        "board",
        "connection",
        "gate",
        "handover",
        "journal",
        "lifeline",
        "pid",
        "sentinel",
    )

    def __init__(
        self,
        pid: int,
        connection: int,
        lifeline: int,
        sentinel: int | None,
        gate: Gate,
        handover: Handover,
        memory: mmap,
    ) -> None:
        self.pid = pid
        self.connection = connection
        self.lifeline = lifeline
        self.gate = gate
        self.handover = handover
        self.sentinel = sentinel
        self.board = Board(memory)
        self.journal = Journal(memory, Board.SIZE)

    def close(self) -> None:
        """Close all of it, once."""
        os.close(self.connection)
        self.handover.close()
        self.close_private()

    def close_private(self) -> None:
        """Close what nobody else closes: all but the connection and the handover."""
        self.journal.close()
        self.board.close()
        self.gate.close()
        os.close(self.lifeline)
        if self.sentinel is not None:
            os.close(self.sentinel)


def launch(settings: Mapping[str, str]) -> Launched:
    """Start a worker, without waiting for it to be up.

    Parameters
    ----------
    settings : mapping
        Environment variables that it gets beside this process's.

    Raises
    ------
    fanfold.errors.BackendUnavailableError
        If the platform has no way to hand descriptors on, or the interpreter cannot be started, or
        there are no descriptors left.
    """
    if not hasattr(os, "posix_spawn"):
        raise BackendUnavailableError(
            f"the processes backend needs posix_spawn, which {sys.platform} does not offer: use "
            "backend='threads'"
        )
    kept: list[int] = []
    handed_on: list[int] = []
    gate = None
    try:
        connection, their_connection = _connect()
        kept.append(connection)
        handed_on.append(their_connection)
        handover, their_handover = _socket_pair()
        kept.append(handover)
        handed_on.append(their_handover)
        their_lifeline, lifeline = os.pipe()
        kept.append(lifeline)
        handed_on.append(their_lifeline)
        their_memory = _shared_file(Board.SIZE + Journal.SIZE)
        handed_on.append(their_memory)
        memory = mmap(their_memory, Board.SIZE + Journal.SIZE)
        gate = Gate()
        inherited = (
            their_connection,
            their_memory,
            their_lifeline,
            gate.worker_end,
            their_handover,
        )
        pid = _spawn(inherited, {**os.environ, **settings})
    except OSError as error:
        for descriptor in kept:
            os.close(descriptor)
        if gate is not None:
            gate.close()
        raise refused(f"cannot start a worker process with {sys.executable!r}", error) from error
    finally:
        for descriptor in handed_on:
            os.close(descriptor)
    return Launched(pid, connection, lifeline, _sentinel(pid), gate, Handover(handover), memory)


def _connect() -> tuple[int, int]:
    """Return the two ends of a connection; the first does not block."""
    mine, theirs = _socket.socketpair()
    _set_idle_timeout(theirs)
    connection = mine.detach()
    os.set_blocking(connection, False)
    return connection, theirs.detach()


def _socket_pair() -> tuple[int, int]:
    mine, theirs = _socket.socketpair()
    return mine.detach(), theirs.detach()


def _spawn(inherited: tuple[int, ...], environment: dict[str, str]) -> int:
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; "
        f"from {__package__}.worker import main; main{inherited!r}"
    )
    arguments = [sys.executable, *_interpreter_options(), "-c", code]
    actions: list[Any] = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
    # Duplicating a descriptor onto itself is how posix_spawn is told to let it be inherited.
    actions += [(os.POSIX_SPAWN_DUP2, descriptor, descriptor) for descriptor in inherited]
    # Ctrl-C is for the parent to act on. It reaches all processes of a terminal, and would end one
    # that is still starting; the worker lets it through when it knows to do nothing.
    blocked = {*_signal.pthread_sigmask(_signal.SIG_BLOCK, ()), _signal.SIGINT}
    return os.posix_spawn(
        sys.executable, arguments, environment, file_actions=actions, setsigmask=blocked
    )


def _interpreter_options() -> list[str]:
    """Return the options that make the worker's interpreter behave as this one."""
    flags = sys.flags
    options = ["-" + "O" * flags.optimize] if flags.optimize else []
    for letter, is_set in (
        ("B", flags.dont_write_bytecode),
        ("E", flags.ignore_environment),
        ("s", flags.no_user_site),
        ("S", flags.no_site),
        ("b", flags.bytes_warning),
    ):
        options += ["-" + letter] if is_set else []
    options += [f"-W{option}" for option in sys.warnoptions]
    for name, value in sys._xoptions.items():
        options += ["-X", name if value is True else f"{name}={value}"]
    return options


def _set_idle_timeout(connection: _socket.socket) -> None:
    connection.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVTIMEO, receive_timeout(DEFAULT_LIFE[0]))


def _shared_file(size: int) -> int:
    """Return a descriptor of a file without a name."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("fanfold-board")
    else:
        import tempfile

        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor


def _sentinel(pid: int) -> int | None:
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None  # an old kernel, or no descriptors left: the socket alone tells
