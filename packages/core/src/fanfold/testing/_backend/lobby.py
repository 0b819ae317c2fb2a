"""Where tasks report to the suite, and wait for it: over TCP, so it works from any worker."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from itertools import accumulate
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import TracebackType
    from typing import BinaryIO, Self

    from .tasks import Address

__all__ = ["Lobby", "Visitor"]


class Visitor:
    """A task that reported and stays until it is released.

    Attributes
    ----------
    name : str
        Which one it is.
    pid : int
        The process that it runs in.
    """

    def __init__(self, name: str, pid: int, connection: socket.socket, lines: BinaryIO) -> None:
        self.name = name
        self.pid = pid
        self._connection = connection
        self._lines = lines

    def release(self) -> None:
        """Let the task go on."""
        with suppress(OSError):  # it may have ended meanwhile
            self._connection.sendall(b".")

    def has_said_goodbye(self) -> bool:
        """Wait until the task has ended, and tell whether it did so by itself.

        Raises
        ------
        TimeoutError
            If it does not end.
        """
        try:
            return self._lines.readline() == b"bye\n"
        except ConnectionResetError:
            return False  # its process was killed

    def close(self) -> None:
        """Let go of the connection; a task that is there does not stay longer."""
        self._lines.close()
        self._connection.close()


class Lobby:
    """Listens to the tasks that report.

    Parameters
    ----------
    host : str
        The address of this machine, as workers see it.
    patience : float
        How many seconds to wait for anything.

    Attributes
    ----------
    address : tuple of str and int
        Where tasks report.
    names : list of str
        Who has reported, in order.
    """

    def __init__(self, host: str, patience: float) -> None:
        self._patience = patience
        self._listener = socket.create_server((host, 0), backlog=128)
        self.address: Address = self._listener.getsockname()[:2]
        self.names: list[str] = []
        self._visitors: list[Visitor] = []
        self._arrived: SimpleQueue[Visitor] = SimpleQueue()
        self._is_open = threading.Event()
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="lobby", daemon=True)

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._thread.start()
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let everybody go."""
        self.open()
        self._is_closing.set()
        socket.create_connection(self.address).close()  # wakes the thread up
        self._thread.join()
        self._listener.close()
        for visitor in self._visitors:
            visitor.close()

    def open(self) -> None:
        """Let everybody go, also those who are still to come."""
        self._is_open.set()
        for visitor in self._visitors.copy():
            visitor.release()

    def next_visitor(self) -> Visitor:
        """Wait for the next task that visits."""
        try:
            return self._arrived.get(timeout=self._patience)
        except Empty:
            pytest.fail(f"no task has begun to run within {self._patience} seconds")

    def most_at_once(self) -> int:
        """Return how many of those who come and go were there at the same time, at the most."""
        steps = [1 if name == "comes" else -1 for name in self.names]
        return max(accumulate(steps), default=0)

    def _listen(self) -> None:
        while not self._is_closing.is_set():
            connection, _ = self._listener.accept()
            connection.settimeout(self._patience)
            lines = connection.makefile("rb")
            kind, _, rest = lines.readline().decode().strip().partition(" ")
            if kind == "visit":
                pid, _, name = rest.partition(" ")
                self._welcome(Visitor(name, int(pid), connection, lines))
                continue
            if kind == "report":
                self.names.append(rest.partition(" ")[2])
            lines.close()
            connection.close()  # which the task waits for

    def _welcome(self, visitor: Visitor) -> None:
        self.names.append(visitor.name)
        self._visitors.append(visitor)
        if self._is_open.is_set():
            visitor.release()
        self._arrived.put(visitor)
