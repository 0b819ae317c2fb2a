"""The board: a few bytes shared by a worker and its parent, that say what the worker is doing.

The worker writes it before each task, without a system call. The parent reads it only when the
worker is gone, to name the task that was running. Three unsigned numbers: how many batches were
begun, the position of the task within the batch, and 1 once the worker was ready.
"""

from __future__ import annotations

from struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mmap import mmap

__all__ = ["Board"]

_NUMBER = Struct("<Q")
_ALL = Struct("<QQQ")


class Board:
    """What a worker is doing.

    Parameters
    ----------
    memory : mmap
        `SIZE` bytes that worker and parent both map, at first zero.
    """

    SIZE = _ALL.size

    def __init__(self, memory: mmap) -> None:
        self._memory = memory
        self._begun = 0

    def write_ready(self) -> None:
        """Say that the worker is up."""
        _NUMBER.pack_into(self._memory, 16, 1)

    def write_started(self) -> None:
        """Say that a further batch begins."""
        self._begun += 1
        _ALL.pack_into(self._memory, 0, self._begun, 0, 1)

    def write_position(self, position: int) -> None:
        """Say which task of the batch begins."""
        _NUMBER.pack_into(self._memory, 8, position)

    def read(self) -> tuple[int, int, bool]:
        """Return how many batches were begun, the position in the last, and whether it was up."""
        begun, position, ready = _ALL.unpack_from(self._memory)
        return begun, position, bool(ready)

    def close(self) -> None:
        """Unmap the memory."""
        self._memory.close()
