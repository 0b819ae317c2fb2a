"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

__all__ = ["published"]


@contextmanager
def published(path: str) -> Iterator[BinaryIO]:
    """Give a file to write to that takes the name `path` when the block ends well.

    Until then an old file of that name stays as it is, and after an error it is still there, with
    no trace of the new one. A symbolic link stays, and what it points to is replaced. What is no
    regular file, such as a pipe or ``/dev/stdout``, is written to directly.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode):
        with open(path, "wb") as file:
            yield file
        return
    path = os.path.realpath(path)
    temporary = os.path.join(os.path.dirname(path), f".fanfold-{os.urandom(8).hex()}.tmp")
    try:
        with open(temporary, "xb") as file:
            if mode is not None:
                os.chmod(temporary, stat.S_IMODE(mode))
            yield file
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):  # it may not exist yet; the error that got here is the one to see
            os.unlink(temporary)
        raise
