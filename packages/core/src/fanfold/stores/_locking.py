"""Locks that the kernel keeps, and gives back when a process dies.

A name is a byte of one file, far beyond its end: what is locked need not exist. The locks are those
of an open file (Linux calls them OFD): each call opens the file anew, so threads exclude each other
too. Waiting for one is a system call that returns when it is granted.

Not every network file system keeps such locks, or gives them back when a host goes down. So they
are used only where the file system is known to be this machine's own.
"""

from __future__ import annotations

import os
import struct
import sys
from weakref import ref

from xxhash import xxh3_64_intdigest

try:
    from fcntl import F_OFD_SETLK, F_OFD_SETLKW, F_UNLCK, F_WRLCK, fcntl
except ImportError:
    HAS_LOCKS = False
else:
    HAS_LOCKS = sys.maxsize > 2**32  # elsewhere, the structure below is laid out otherwise

_OPEN: int = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
_LOCAL_FILE_SYSTEMS = frozenset(
    {
        *("bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "jfs", "ntfs3", "overlay"),
        *("ramfs", "reiserfs", "tmpfs", "vfat", "xfs", "zfs"),
    }
)
# struct flock: what, counted from the beginning, where, how many bytes, and 0 for OFD locks.
_request = struct.Struct("hhqqi4x").pack
_ESCAPED = {r"\040": " ", r"\011": "\t", r"\012": "\n", r"\134": "\\"}


class FileLock:
    """A byte of a file that was locked here.

    Parameters
    ----------
    file : int
        The open file, which belongs to this lock from now on.
    offset : int
        The byte.
    """

    __slots__ = ("__weakref__", "_file", "_offset")

    def __init__(self, file: int, offset: int) -> None:
        self._file = file
        self._offset = offset

    def release(self) -> None:
        """Unlock it; do nothing where that was done, or where the lock is a parent process's."""
        file = self._file
        if file >= 0:
            self._file = -1
            locks.held.pop(id(self), None)
            # Closing it would not do where a child has the open file too, forked by an extension.
            fcntl(file, F_OFD_SETLK, _request(F_UNLCK, os.SEEK_SET, self._offset, 1, 0))
            os.close(file)

    def __del__(self) -> None:
        # An interrupt may come at the moment in which it is granted, before anybody has it.
        self.release()

    def forget(self) -> None:
        """Close what was inherited by a fork, so that the lock ends with the parent at the latest.

        It must not be unlocked: that would count for both.
        """
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)


class Locks:
    """The locks of this process; there is one object, :data:`locks`.

    Attributes
    ----------
    held : dict
        References to the locks that are held, by what :func:`id` gives for them.
    """

    def __init__(self) -> None:
        self.held: dict[int, ref[FileLock]] = {}
        self._is_local: dict[str, bool] = {}
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def may_be_used(self, directory: str) -> bool:
        """Return whether `directory`, which need not be there yet, is on a local file system."""
        if not HAS_LOCKS:
            return False
        is_local = self._is_local.get(directory)
        if is_local is None:
            is_local = self._is_local[directory] = file_system(directory) in _LOCAL_FILE_SYSTEMS
        return is_local

    def lock(self, path: str, name: str, wait: bool) -> FileLock | None:
        """Lock a name in the file at `path`; return None if another holds it.

        Raises
        ------
        OSError
            If the file cannot be opened for writing, or the file system has no locks.
        """
        offset = xxh3_64_intdigest(name.encode()) >> 2  # no offset may overflow 63 bits
        file = _open(path)
        try:
            request = _request(F_WRLCK, os.SEEK_SET, offset, 1, 0)
            fcntl(file, F_OFD_SETLKW if wait else F_OFD_SETLK, request)
        except BlockingIOError:
            os.close(file)
            return None
        except BaseException:  # an interrupt too
            os.close(file)
            raise
        lock = FileLock(file, offset)
        self.held[id(lock)] = ref(lock)
        return lock

    def _forget(self) -> None:
        held, self.held = self.held, {}
        for reference in held.values():
            lock = reference()
            if lock is not None:
                lock.forget()


locks = Locks()


def file_system(path: str) -> str | None:
    """Return the kind of file system that `path` is on, or will be; None if that is not known."""
    path = os.path.realpath(path)
    kind, longest = None, -1
    try:
        with open("/proc/self/mountinfo", encoding=sys.getfilesystemencoding()) as mounts:
            for line in mounts:
                before, _, after = line.partition(" - ")
                root = _unescaped(before.split(" ")[4]).rstrip("/")
                # Of two at one place, the later hides the earlier.
                if len(root) >= longest and (path == root or path.startswith(f"{root}/")):
                    kind, longest = after.split(" ")[0], len(root)
    except OSError:
        return None
    return kind


def _unescaped(path: str) -> str:
    for escaped, character in _ESCAPED.items():
        path = path.replace(escaped, character)
    return path


def _open(path: str) -> int:
    try:
        return os.open(path, _OPEN, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, _OPEN, 0o666)
