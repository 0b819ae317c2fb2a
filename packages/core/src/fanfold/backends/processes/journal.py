"""The journal: what the tasks of a batch returned, where it outlives the worker.

A worker answers when a batch is done. Should it end before, its parent finds here what the tasks
before the last one returned, and need not have them run again. It is written without a system call.
"""

from __future__ import annotations

from _pickle import loads
from struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mmap import mmap

__all__ = ["Journal"]

_COUNT = Struct("=Q")
_LENGTH = Struct("=I")


class Journal:
    """What the first tasks of the present batch returned.

    Parameters
    ----------
    memory : mmap
        What worker and parent both map, at first zero.
    start : int
        Where in it the `SIZE` bytes of the journal begin.
    """

    SIZE = 1 << 18

    def __init__(self, memory: mmap, start: int) -> None:
        self._memory = memoryview(memory)[start : start + self.SIZE]
        self._count = 0
        self._end = self._start = _COUNT.size

    def begin(self) -> None:
        """Begin anew, for another batch."""
        self._count = 0
        self._end = self._start
        _COUNT.pack_into(self._memory, 0, 0)

    def add(self, pickled: bytes) -> bool:
        """Add the result of the next task, and tell whether there was room for it."""
        begin = self._end + _LENGTH.size
        end = begin + len(pickled)
        if end > self.SIZE:
            return False
        _LENGTH.pack_into(self._memory, self._end, len(pickled))
        self._memory[begin:end] = pickled
        self._end = end
        self._count += 1
        _COUNT.pack_into(self._memory, 0, self._count)  # now it counts
        return True

    def read(self) -> list[bytes]:
        """Return what is there, up to the first result that cannot be rebuilt in this process."""
        results: list[bytes] = []
        position = self._start
        for _ in range(_COUNT.unpack_from(self._memory)[0]):
            begin = position + _LENGTH.size
            position = begin + _LENGTH.unpack_from(self._memory, position)[0]
            pickled = bytes(self._memory[begin:position])
            try:
                loads(pickled)
            except Exception:  # noqa: BLE001  a user's __setstate__ may raise anything
                break
            results.append(pickled)
        return results

    def close(self) -> None:
        """Let go of the memory."""
        self._memory.release()
