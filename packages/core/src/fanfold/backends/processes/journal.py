"""The journal: what the tasks of a batch returned, where it outlives the worker.

A worker answers when a batch is done. Should it end before, its parent finds here what the tasks
before the last one returned, and need not have them run again. It is written without a system call.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mmap import mmap

__all__ = ["Journal"]

_WORD = 8


class Journal:
    """What the first tasks of the present batch returned: their number, and each as a pickle.

    Parameters
    ----------
    memory : mmap
        What worker and parent both map, at first zero.
    start : int
        Where in it the `SIZE` bytes of the journal begin, a multiple of 8.
    """

    SIZE = 1 << 18

    def __init__(self, memory: mmap, start: int) -> None:
        whole = memoryview(memory)[start : start + self.SIZE]
        self._pickles = whole[_WORD:]
        self._count = whole[:_WORD].cast("Q")
        self._n = self._end = 0

    def begin(self) -> None:
        """Begin anew, for another batch."""
        self._n = self._end = self._count[0] = 0

    def add(self, pickled: bytes) -> bool:
        """Add the result of the next task, and tell whether there was room for it."""
        begin = self._end
        end = begin + len(pickled)
        if end > self.SIZE - _WORD:
            return False
        self._pickles[begin:end] = pickled
        self._end = end
        self._n = self._count[0] = self._n + 1  # now it counts
        return True

    def read(self) -> list[bytes]:
        """Return what is there, up to the first result that cannot be rebuilt in this process."""
        from io import BytesIO  # only for workers that are lost
        from pickle import Unpickler

        stream = BytesIO(self._pickles)
        results: list[bytes] = []
        for _ in range(self._count[0]):
            begin = stream.tell()
            try:
                Unpickler(stream).load()  # which tells where it ends
            except Exception:  # noqa: BLE001  a user's __setstate__ may raise anything
                break
            results.append(bytes(self._pickles[begin : stream.tell()]))
        return results

    def close(self) -> None:
        """Let go of the memory."""
        self._pickles.release()
        self._count.release()
