"""Files that are mapped into memory, once in each process, and whether they are still there."""

from __future__ import annotations

import os
from mmap import ACCESS_COPY, ACCESS_READ, ACCESS_WRITE, mmap
from weakref import WeakKeyDictionary, WeakValueDictionary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

Identity = tuple[int, int]
"""Device and inode: no two files that exist, or are mapped, have the same."""

__all__ = [
    "Identity",
    "MappedFile",
    "file_at",
    "map_file",
    "map_privately",
    "mapped_file_at",
    "remember",
]

_ACCESS = {"r": ACCESS_READ, "r+": ACCESS_WRITE, "c": ACCESS_COPY}


class MappedFile(mmap):
    """The memory of a whole file; arrays on it keep it mapped.

    Attributes
    ----------
    identity : tuple of int
        Device and inode of the file.
    mode : {'r', 'r+', 'c'}
        Whether it can be written to, and whether others see that.
    is_own : bool
        Whether it is memory that this process made, which ends when this process lets go of it.
    is_constant : bool
        Whether nobody writes to it any more.
    """

    identity: Identity
    mode: str
    is_own: bool
    is_constant: bool
    _path: str | None
    _descriptor: int

    def __new__(cls, descriptor: int, mode: str, path: str | None, *, is_own: bool) -> Self:
        """Map the file that is open as `descriptor`; without `path`, keep it open to be found."""
        file = super().__new__(cls, descriptor, 0, access=_ACCESS[mode])
        file.identity = _identity(os.fstat(descriptor))
        file.mode = mode
        file.is_own = is_own
        file.is_constant = False
        file._path = path
        file._descriptor = descriptor
        return file

    @property
    def path(self) -> str:
        """Where processes of this machine find the file.

        Asked each time, because a forked child has the same descriptors under another number.
        """
        return self._path or f"/proc/{os.getpid()}/fd/{self._descriptor}"

    @property
    def descriptor(self) -> int | None:
        """Its open descriptor, if it has no name by which others could find it."""
        return None if self._path is not None else self._descriptor

    def fill(self, offset: int, data: memoryview) -> None:
        """Copy bytes into it.

        Memory without a name is written to, not touched: that is quicker where its pages are new,
        and an error where the system has none left, which would otherwise end the process.

        Raises
        ------
        OSError
            If there is no room.
        """
        if self._path is not None:
            self[offset : offset + data.nbytes] = data
            return
        end = offset + data.nbytes
        while offset < end:
            offset += os.pwrite(self._descriptor, data[offset - end :], offset)

    def give_back(self) -> None:
        """Give its pages back to the system, though others may still map them.

        Nobody may look at it any more. Of a file with a name, that is done when it is removed.
        """
        if self._path is None:
            os.ftruncate(self._descriptor, 0)


_maps: WeakValueDictionary[tuple[Identity, str, int], MappedFile] = WeakValueDictionary()
_first_seen: WeakKeyDictionary[mmap, Identity] = WeakKeyDictionary()


def remember(file: MappedFile) -> MappedFile:
    """Have :func:`map_file` find this map while it lives, and return it."""
    _maps[file.identity, file.mode, len(file)] = file
    return file


def map_file(path: str, identity: Identity, mode: str) -> MappedFile:
    """Return a map of the file at `path`: the one that this process has, or a new one.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or another than was meant.
    OSError
        If it cannot be opened.
    """
    descriptor = _open(path, identity, os.O_RDONLY if mode == "r" else os.O_RDWR)
    try:
        known = _maps.get((identity, mode, os.fstat(descriptor).st_size))
        return known or remember(MappedFile(descriptor, mode, path, is_own=False))
    finally:
        os.close(descriptor)


def _open(path: str, identity: Identity, flags: int) -> int:
    """Open the file at `path`, if it is the one that is meant."""
    descriptor = os.open(path, flags)
    if _identity(os.fstat(descriptor)) != identity:
        os.close(descriptor)
        raise FileNotFoundError(
            f"the memory of an array is gone: what is at {path!r} now is another file than the "
            "one that was mapped. Keep the array, or its file, until all tasks are done"
        )
    return descriptor


def map_privately(path: str, identity: Identity) -> MappedFile:
    """Return a new map of the file at `path`; what is written to it is seen by nobody else.

    Raises
    ------
    OSError
        As :func:`map_file`.
    """
    descriptor = _open(path, identity, os.O_RDONLY)
    try:
        return MappedFile(descriptor, "c", path, is_own=False)
    finally:
        os.close(descriptor)


def file_at(path: str) -> Identity | None:
    """Return which file is at a path, or None where there is none."""
    try:
        return _identity(os.stat(path))
    except OSError:
        return None


def mapped_file_at(path: str, pages: mmap, address: int) -> Identity | None:
    """Return which file is at a path, or None unless it is the one that `pages` show.

    A file may have been deleted, or replaced by another, since it was mapped.

    Parameters
    ----------
    path : str
        Where the file was when it was mapped.
    pages : mmap
        The map, made by whomever.
    address : int
        Where in memory it lies.
    """
    now = file_at(path)
    known = _first_seen.get(pages)
    if known is None and now is not None and _shows(address, path, now):
        known = _first_seen[pages] = now
    return now if now == known else None


def _shows(address: int, path: str, identity: Identity) -> bool:
    """Tell whether the memory at an address is of the file at a path, as far as one can know."""
    line = _line_of(address)
    if line is None:
        return True
    inode, name = line.split(None, 5)[4:]
    if name == os.fsencode(os.path.realpath(path)):
        return True
    # Its name may be another way to the same file; some file systems show inodes of another layer.
    return not name.endswith(b" (deleted)") and int(inode) == identity[1]


def _line_of(address: int) -> bytes | None:
    """Return what the kernel says of the map at an address; None where it says nothing."""
    try:
        with open("/proc/self/maps", "rb") as maps:
            for line in maps:
                first, _, last = line.partition(b" ")[0].partition(b"-")
                if int(first, 16) <= address < int(last, 16):
                    return line.rstrip(b"\n")
    except OSError:
        pass  # a system without such a list, or one that hides it
    return None


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino
