"""How a complete file gets its name in one step, and how a directory goes once it is empty.

A value is first written under a temporary name. Taking the final name is atomic, so a reader finds
the old file, the new one or none, and a writer that dies leaves a temporary file at most.
"""

from __future__ import annotations

import errno
import os
import time
import warnings
from contextlib import suppress

from ..errors import FanfoldWarning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..contracts.store import Piece

_ATTEMPTS = 100
_SMALL = 64 * 1024
_CREATE: int = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_ABANDONED_AFTER = 24 * 60 * 60.0
_NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


def write_temporary(directory: str, pieces: Sequence[Piece]) -> tuple[str, os.stat_result]:
    """Write a value to a new file in `directory`; leave nothing on failure.

    Returns
    -------
    tuple
        The file's path, and what the system knows of it.
    """
    path = f"{directory}/{os.urandom(8).hex()}"
    # A file object, with a buffer of its own, would take half as long again for a small value.
    at_once = b"".join(pieces) if sum(map(len, pieces)) <= _SMALL else None
    file = _open_new(path)
    try:
        if at_once is not None and os.write(file, at_once) < len(at_once):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        if at_once is None:
            with open(file, "wb", closefd=False) as stream:
                stream.writelines(pieces)
        info = os.fstat(file)
    except BaseException:
        os.close(file)
        discard(path)
        raise
    os.close(file)
    return path, info


def _open_new(path: str) -> int:
    try:
        return os.open(path, _CREATE, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, _CREATE, 0o666)


def publish(temporary: str, target: str) -> None:
    """Give a complete file its name, in the place of one that may have it."""
    try:
        _move(os.replace, temporary, target)
    except BaseException:
        discard(temporary)
        raise


def publish_new(temporary: str, target: str, lock: str) -> bool:
    """Give a complete file its name unless another has it; return whether it got it.

    Parameters
    ----------
    temporary : str
        The file; it is gone afterwards.
    target : str
        The name.
    lock : str
        The file to lock where the file system has no hard links.
    """
    try:
        # Windows' rename refuses a name that is taken; elsewhere it replaces, but a link refuses.
        _move(os.rename if os.name == "nt" else os.link, temporary, target)
        return True
    except FileExistsError:
        if os.path.isdir(target):
            raise
        return False
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        return _publish_new_locked(temporary, target, lock)
    finally:
        discard(temporary)


def _publish_new_locked(temporary: str, target: str, lock: str) -> bool:
    # FAT, some network and some virtual machines' shared file systems have no hard links.
    import fcntl

    warnings.warn(
        f"the file system of {os.path.dirname(lock)!r} has no hard links: an entry that is put "
        "only if absent is published under a lock, and may replace one that an unconditional put "
        "publishes at the same moment",
        FanfoldWarning,
        stacklevel=4,
    )
    with open(lock, "ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # the kernel gives it back, even if this process dies
        if os.path.lexists(target):
            return False
        _move(os.replace, temporary, target)
        return True


def discard(temporary: str) -> None:
    """Remove a temporary file that may be gone; an error here must not hide the one before."""
    with suppress(OSError):
        os.unlink(temporary)


def sweep(directory: str) -> None:
    """Remove the temporary files of writers that died: those untouched for a day."""
    abandoned = time.time() - _ABANDONED_AFTER
    with suppress(FileNotFoundError), os.scandir(directory) as found:
        for entry in found:
            with suppress(OSError):  # another sweeps too, or the file belongs to another user
                if entry.stat().st_mtime < abandoned:
                    os.unlink(entry.path)


def prune(directory: str, root: str) -> None:
    """Remove a directory if it is empty, then its parents, but never `root`.

    A writer that needs one of them makes it again (see :func:`publish`).
    """
    while len(directory) > len(root):
        try:
            os.rmdir(directory)
        except OSError:
            return  # not empty, or another has removed it and goes on from there
        directory = os.path.dirname(directory)


def _move(move: Callable[[str, str], None], temporary: str, target: str) -> None:
    """Move a file, and make the directories of its target, which others may prune meanwhile."""
    attempts = 0
    while True:
        try:
            return move(temporary, target)
        except FileNotFoundError:
            attempts += 1
            if attempts == _ATTEMPTS or not os.path.lexists(temporary):
                raise
        # A directory that another prunes meanwhile may be missing, or there and then not. A file
        # that is in the way makes the next move fail.
        with suppress(FileNotFoundError, FileExistsError):
            os.makedirs(os.path.dirname(target), exist_ok=True)
