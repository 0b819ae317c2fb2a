"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

__all__ = ["published"]


@contextmanager
def published(path: str, *, durable: bool = False) -> Iterator[BinaryIO]:
    """Give a file to write to that takes the name `path` when the block ends well.

    Until then an old file of that name stays as it is, and after an error it is still there, with
    no trace of the new one. A symbolic link stays, and what it points to is replaced. What is no
    regular file, such as a pipe or ``/dev/stdout``, is written to directly.

    Parameters
    ----------
    path : str
        The name.
    durable : bool, default=False
        Whether the file, and then its name, are on the disk when the block has ended, so that even
        a machine that loses its power has either the old file or the new one.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode):
        with open(path, "wb") as file:
            yield file
            if durable:
                _flush(file)
        return
    path = os.path.realpath(path)
    temporary = os.path.join(os.path.dirname(path), f".fanfold-{os.urandom(8).hex()}.tmp")
    try:
        with open(temporary, "xb") as file:
            if mode is not None:
                os.chmod(temporary, stat.S_IMODE(mode))
            yield file
            if durable:
                _flush(file)
        os.replace(temporary, path)
        if durable:
            _flush_names(os.path.dirname(path))
    except BaseException:
        with suppress(OSError):  # it may not exist yet; the error that got here is the one to see
            os.unlink(temporary)
        raise


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _flush_names(directory: str) -> None:
    if os.name == "nt":  # which writes names at once, and cannot open a directory
        return
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
