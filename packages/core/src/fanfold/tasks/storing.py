"""Keeping large buffers of arguments near the workers, so that they travel beside the batch.

An array of `max_nbytes` and more that several tasks of a call are given is kept once, and read-only
for them unless the user says otherwise; smaller ones are copied for each task. Either way a task
sees an array as it was when the task was taken from the user's iterator, with one exception that
joblib makes too: an array of `max_nbytes` and more that is changed in place between two tasks, in
so few places that `_sample` misses them all.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import weakref
    from collections.abc import Callable
    from typing import Any, TypeAlias

    Put: TypeAlias = Callable[[memoryview], object]
    Piece: TypeAlias = "bytearray | StoredBuffer"
    Key: TypeAlias = tuple[int, int, int]
    """Which array owns the memory, the buffer's address, and its length."""

__all__ = ["Storage", "StoredBuffer"]

_N_SAMPLES = 16
_SAMPLE = 256
_N_BYTE_STRINGS = 4


class StoredBuffer:
    """A buffer that the backend keeps near its workers.

    Attributes
    ----------
    handle : object
        What the backend's ``put`` returned for it.
    nbytes : int
        How long it is.
    mode : {'r', 'c', 'w'}
        Whether tasks may only read it, write to private copies of it, or write to it.
    """

    __slots__ = ("handle", "mode", "nbytes")

    def __init__(self, handle: object, nbytes: int, mode: str) -> None:
        self.handle = handle
        self.nbytes = nbytes
        self.mode = mode


class Storage:
    """Where the large buffers of one call's arguments are kept.

    Parameters
    ----------
    put : callable
        The executor's; keeps a copy of a buffer.
    least : int
        Buffers of this many bytes and more are given to it.
    max_nbytes : int
        From this size on, a buffer is kept once for all tasks of the call.
    mmap_mode : {'r', 'c', 'r+', 'w+'}
        What tasks may do with such a buffer.
    """

    def __init__(self, put: Put, least: int, max_nbytes: int, mmap_mode: str) -> None:
        self._put = put
        self._least = least
        self._max_nbytes = max_nbytes
        self._mode = "w" if mmap_mode in ("r+", "w+") else mmap_mode
        self._known: dict[Key, tuple[weakref.ref[Any], bytes, StoredBuffer]] = {}
        self._byte_strings: list[tuple[object, bytes, StoredBuffer]] = []

    def keep(self, view: memoryview) -> tuple[Piece, int]:
        """Return what stands for a buffer, and how many bytes had to be copied for it."""
        nbytes = view.nbytes
        if nbytes < self._least:
            return bytearray(view), nbytes
        if nbytes < self._max_nbytes:
            # Written to as a private copy, though no other task has it: this one may run again, if
            # its worker is lost, and must not see what it made of its arguments the first time.
            return StoredBuffer(self._put(view), nbytes, "c"), nbytes
        return self._keep_once(view)

    def _keep_once(self, view: memoryview) -> tuple[Piece, int]:
        # Only large buffers need these: most calls have none.
        import weakref
        from functools import partial

        from ..sharing import origin_of

        nbytes = view.nbytes
        origin = origin_of(view)
        if origin is None:
            return self._keep_byte_string(view)
        owner, address = origin
        key = id(owner), address, nbytes
        sample = _sample(view)
        known = self._known.get(key)
        if known is not None and known[0]() is owner and known[1] == sample:
            return known[2], 0
        stored = StoredBuffer(self._put(view), nbytes, self._mode)
        # Forgotten with its owner: its memory may be another array's soon.
        reference = weakref.ref(owner, partial(_forget, weakref.ref(self), key))
        self._known[key] = reference, sample, stored
        return stored, nbytes

    def _keep_byte_string(self, view: memoryview) -> tuple[Piece, int]:
        # It has no weak references, so the last few are kept alive for as long as the call.
        owner, nbytes, sample = view.obj, view.nbytes, _sample(view)
        for known in self._byte_strings:
            if known[0] is owner and known[1] == sample:
                return known[2], 0
        stored = StoredBuffer(self._put(view), nbytes, self._mode)
        self._byte_strings = [*self._byte_strings[1 - _N_BYTE_STRINGS :], (owner, sample, stored)]
        return stored, nbytes

    def forget(self, key: Key) -> None:
        """Let go of a buffer whose owner is gone."""
        self._known.pop(key, None)

    def clear(self) -> None:
        """Let go of all buffers: no further task is taken."""
        self._known.clear()
        self._byte_strings.clear()


def _forget(storage: weakref.ref[Storage], key: Key, _owner: object) -> None:
    alive = storage()
    if alive is not None:
        alive.forget(key)


def _sample(view: memoryview) -> bytes:
    """Return a few bytes from all over a buffer: most changes show in them."""
    last = view.nbytes - _SAMPLE
    starts = (last * number // (_N_SAMPLES - 1) for number in range(_N_SAMPLES))
    return b"".join([view[start : start + _SAMPLE] for start in starts])
