"""What a process did to the entries of a directory, as lines at the end of a file of its own.

A line is appended with one write, so it survives the death of its process from the moment that the
write returns, and needs no lock. The index (see :mod:`._index`) takes the lines over when it is
asked for something.
"""

from __future__ import annotations

import os
from contextlib import suppress
from threading import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_APPENDS: int = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)
_FULL = 1 << 20

BEGUN, PUT, CHANGED = b">", b"+", b"?"


class Log:
    """The log of one store in this process; any thread may append to it.

    Parameters
    ----------
    folder : str
        Where the logs of all processes are; it is made when there is something to write.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._lock = Lock()
        self._file = -1
        self._path = ""
        self._process = 0
        self._size = 0

    def append(self, line: bytes, *, checks: bool = True) -> bool:
        """Add a line, and return whether the log is so long that it should be taken over.

        Parameters
        ----------
        line : bytes
            The line.
        checks : bool, default=True
            Whether to see that the file is still there; not needed just after another line.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        with self._lock:
            if self._process != os.getpid() or (checks and not os.fstat(self._file).st_nlink):
                self._open()
            os.write(self._file, line)
            self._size += len(line)
            return self._size >= _FULL

    def replace(self, take_over: Callable[[], object]) -> None:
        """Have the log taken over, and remove it; the next line begins another."""
        with self._lock:
            if self._size < _FULL:
                return  # another thread has done it
            take_over()
            self._release()
            with suppress(FileNotFoundError):
                os.unlink(self._path)

    def close(self) -> None:
        """Let go of the file; the next line begins another."""
        with self._lock:
            self._release()

    def _open(self) -> None:
        """Begin a new file.

        After a fork, parent and child each need one of their own. A file that was removed, perhaps
        with the whole cache, would take lines that nobody reads.
        """
        self._release()
        self._path = f"{self._folder}/{os.urandom(8).hex()}"
        try:
            self._file = os.open(self._path, _APPENDS, 0o666)
        except FileNotFoundError:
            os.makedirs(self._folder, exist_ok=True)
            self._file = os.open(self._path, _APPENDS, 0o666)
        self._process = os.getpid()

    def _release(self, close: Callable[[int], None] = os.close) -> None:
        file, self._file = self._file, -1
        self._process = self._size = 0
        if file >= 0:
            close(file)

    def __del__(self) -> None:
        self._release()


def begun_line(key: str, now: float) -> bytes:
    """Return the line that tells that an entry is about to get its name."""
    return b"> %s %d\n" % (key.encode(), now)


def put_line(key: str, size: int, used: float) -> bytes:
    """Return the line that tells that an entry is there."""
    return b"+ %s %d %s\n" % (key.encode(), size, repr(used).encode())


def changed_line(key: str) -> bytes:
    """Return the line that tells that an entry was deleted, or is not what was told before."""
    return b"? %s\n" % key.encode()


def whole_lines(data: bytes) -> bytes:
    """Return the beginning of what was read that consists of whole lines."""
    return data[: data.rfind(b"\n") + 1]
