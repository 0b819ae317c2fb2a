"""Where new shared memory comes from.

On Linux it is a file that exists only in memory and has no name in any file system: others find it
through ``/proc`` while its owner has it open, and the kernel takes it back when nobody does,
however its users ended. Elsewhere, or in a folder that the user chose, it is a temporary file: it
is removed when its owner lets go of it or ends, but stays behind if its owner is killed.
"""

from __future__ import annotations

import os
from contextlib import suppress
from weakref import finalize

from ._files import MappedFile, remember

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike

__all__ = ["new_memory"]

_NAME = "fanfold-shared"


def new_memory(nbytes: int, folder: str | PathLike[str] | None) -> MappedFile:
    """Return new shared memory, filled with zeros.

    Parameters
    ----------
    nbytes : int
        How much, 1 or more.
    folder : path or None
        Where to make a temporary file for it. None takes memory without a name where it can.

    Raises
    ------
    MemoryError
        If there is not as much.
    OSError
        If a file cannot be made in `folder`.
    """
    if folder is None and hasattr(os, "memfd_create") and os.path.exists("/proc/self/fd"):
        return _without_name(nbytes)
    return _in_folder(nbytes, folder)


def _without_name(nbytes: int) -> MappedFile:
    descriptor = os.memfd_create(_NAME)
    try:
        os.ftruncate(descriptor, nbytes)
        memory = MappedFile(descriptor, "r+", None, is_own=True)
    except (OSError, OverflowError) as error:
        os.close(descriptor)
        raise _too_much(nbytes, error) from error
    finalize(memory, os.close, descriptor).atexit = False
    return remember(memory)


def _in_folder(nbytes: int, folder: str | PathLike[str] | None) -> MappedFile:
    from tempfile import mkstemp

    descriptor, path = mkstemp(prefix=f"{_NAME}-", dir=folder)
    try:
        _reserve(descriptor, nbytes)
        memory = MappedFile(descriptor, "r+", path, is_own=True)
    except (OSError, OverflowError) as error:
        os.unlink(path)
        raise _too_much(nbytes, error) from error
    finally:
        os.close(descriptor)
    finalize(memory, _remove, path, os.getpid())
    return remember(memory)


def _reserve(descriptor: int, nbytes: int) -> None:
    """Make a file as long as this, on blocks of its own.

    Without these, the first write to a page that the disk has no room for ends the process.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, nbytes)
    else:
        os.truncate(descriptor, nbytes)


def _remove(path: str, owner: int) -> None:
    """Remove a file, unless this is a forked child of its owner."""
    if os.getpid() == owner:
        with suppress(FileNotFoundError):  # somebody removed it with its folder
            os.unlink(path)


def _too_much(nbytes: int, error: Exception) -> MemoryError:
    return MemoryError(
        f"cannot get {nbytes} bytes of shared memory: {error}. Make the array smaller, or name a "
        "temp_folder on a disk with more room"
    )
