"""Segments: shared memory in which large buffers travel, written once and used again.

What decides is where the pages come from. Copying 100 MB into fresh shared memory through a map
takes 120 ms, ``write`` into it 50 ms, and into pages that were written before 30 ms. So buffers are
written by ``write``, which also tells of a full system where touching a page would end the process;
and a segment is kept for the next buffer when the last array that views it is gone.

Whoever writes owns the segment. The other side maps it, views it, and says when it is done; see
``exchange.py``.
"""

from __future__ import annotations

import mmap
import os
import warnings
import weakref
from collections import deque
from itertools import count
from threading import Lock

from ..._interrupts import InterruptsHeld
from ...errors import FanfoldWarning
from ...sharing import MappedFile, new_memory, origin_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Origin: TypeAlias = tuple[weakref.ref[Any], int]
    """The array whose memory a buffer is part of, and the buffer's address."""

__all__ = ["LARGEST_SHARING", "Part", "SegmentPool"]

_SLOWER = "large arrays do not all go through {}, but through sockets, which takes longer: {}"
_MEMORY = "shared memory"
_BUDGET = "FANFOLD_SHM_BUDGET sets how much memory may be used"
_PAGE = mmap.PAGESIZE
"""Parts begin on pages of their own: whoever writes to a private view of one then has no old copy
of the beginning of the next."""
_ROUNDING = 1 << 20


class Segment:
    """A piece of shared memory, and what lies in it.

    Attributes
    ----------
    number : int
        Its number in the pool, never used twice; -1 if it is not for a second buffer.
    memory : MappedFile
        The memory.
    filled : int
        Where the next buffer goes.
    n_parts : int
        How many buffers in it are in use.
    is_spoiled : bool
        Whether somebody unknown may still view it, so that it must not be used again.
    origin : tuple or None
        Where its only buffer was copied from.
    digest : bytes or None
        The hash of that buffer, once it was asked for.
    """

    __slots__ = ("digest", "filled", "is_spoiled", "memory", "n_parts", "number", "origin")

    def __init__(self, number: int, memory: MappedFile) -> None:
        self.number = number
        self.memory = memory
        self.filled = 0
        self.n_parts = 0
        self.is_spoiled = False
        self.origin: Origin | None = None
        self.digest: bytes | None = None

    @property
    def size(self) -> int:
        """How many bytes it has room for."""
        return len(self.memory)


class Part:
    """A buffer in a segment; while this object lives, it stays there.

    Attributes
    ----------
    segment : Segment
        Where it lies.
    offset, nbytes : int
        Where in the segment, and how long it is.
    """

    __slots__ = ("__weakref__", "nbytes", "offset", "segment")

    def __init__(self, segment: Segment, offset: int, nbytes: int) -> None:
        self.segment = segment
        self.offset = offset
        self.nbytes = nbytes


class _Use(weakref.ref[Part]):
    """What is left of a part when it is gone, in the queue of what is handed back.

    The queue's own ``append`` puts it there. An end that runs Python code, as a ``__del__`` does,
    can itself be ended by Ctrl-C, and Python ignores that.
    """

    __slots__ = ("segment",)

    segment: Segment


LARGEST_SHARING = 1 << 20
"""Larger buffers have a segment each."""


class SegmentPool:
    """The segments of one process.

    It guarantees: a buffer stays where it was written while its :class:`Part` lives; all segments
    together are never larger than the budget; and of memory that is used by nobody, no more than
    `MOST_KEPT` and a quarter of the budget is kept for later buffers.

    Parameters
    ----------
    budget : int
        How many bytes its segments may have together.
    """

    ARENA = 8 << 20
    """Smaller buffers share a segment of this size."""
    MOST_KEPT = 512 << 20
    MOST_SEGMENTS = 256
    """Each needs a file descriptor."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._most_kept = min(self.MOST_KEPT, budget // 4)
        self._lock = Lock()
        self._numbers = count()
        self._live: dict[int, Segment] = {}
        self._free: list[Segment] = []
        self._arena: Segment | None = None
        self._uses: set[_Use] = set()
        self._ended: deque[weakref.ref[Part]] = deque()
        self._has_warned = False
        self.n_dropped = 0

    def store(self, data: memoryview, folder: str | None = None) -> Part | None:
        """Copy a buffer into a segment; None where there is no room.

        That the budget is used up is logged; that the system has no memory is warned of, once.

        A buffer that was copied before from the same memory, and has not changed since, is not
        copied again if it is still there.

        Parameters
        ----------
        data : memoryview
            The buffer, contiguous.
        folder : str or None
            Where to keep it in a file of its own, if it is large; None keeps it in memory.
        """
        if folder is not None and data.nbytes > LARGEST_SHARING:
            return self._store_in_file(data, folder)
        with self._lock:
            self._collect()
            if data.nbytes > LARGEST_SHARING:
                return self._find(data) or self._store_alone(data)
            return self._store_in_arena(data)

    def is_live(self, number: int) -> bool:
        """Tell whether the segment with this number is still there."""
        return number in self._live

    def clear(self) -> None:
        """Give back the memory that is used by nobody."""
        with self._lock:
            self._collect()
            self._retire_arena()
            self._free += self._strays()
            while self._free:
                self._drop(self._free.pop())

    def _retire_arena(self) -> None:
        """Write to the present arena no more; it is free when its last part is gone."""
        if self._arena is not None and self._arena.n_parts == 0:
            self._free.append(self._arena)
        self._arena = None

    def _find(self, data: memoryview) -> Part | None:
        """Return a part that holds the very same bytes, if there is one from an earlier call."""
        origin = origin_of(data)
        if origin is None:
            return None
        for segment in self._live.values():
            if segment.filled == data.nbytes and _is_same(segment.origin, origin):
                if not _holds(segment, data):
                    continue
                if segment in self._free:
                    self._free.remove(segment)
                return self._part(segment, 0, data.nbytes)
        return None

    def _store_in_file(self, data: memoryview, folder: str) -> Part | None:
        """Keep a buffer in a file that goes with its part."""
        try:
            os.makedirs(folder, exist_ok=True)
            memory = new_memory(data.nbytes, folder)
            memory.fill(0, data)
        except (OSError, MemoryError) as error:
            self._warn(f"temp_folder={folder!r}", f"{error}. Choose a folder with room")
            return None
        return Part(Segment(-1, memory), 0, data.nbytes)

    def _store_alone(self, data: memoryview) -> Part | None:
        nbytes = data.nbytes
        segment = self._take_free(nbytes) or self._new(_round_up(nbytes, _ROUNDING))
        if segment is None or not self._write(segment, 0, data):
            return None
        origin = origin_of(data)
        segment.origin = None if origin is None else (weakref.ref(origin[0]), origin[1])
        segment.digest = None
        return self._part(segment, 0, nbytes)

    def _store_in_arena(self, data: memoryview) -> Part | None:
        arena = self._arena
        if arena is None or arena.filled + data.nbytes > arena.size:
            self._retire_arena()
            arena = self._take_free(self.ARENA) or self._new(self.ARENA)
            self._arena = arena
            if arena is None:
                return None
            arena.filled = 0
            arena.origin = None
        offset = arena.filled
        if not self._write(arena, offset, data):
            return None
        arena.filled = _round_up(offset + data.nbytes, _PAGE)
        return self._part(arena, offset, data.nbytes)

    def _part(self, segment: Segment, offset: int, nbytes: int) -> Part:
        if offset == 0:
            segment.filled = max(nbytes, segment.filled if segment is self._arena else 0)
        part = Part(segment, offset, nbytes)
        with InterruptsHeld():
            use = _Use(part, self._ended.append)
            use.segment = segment
            self._uses.add(use)
            segment.n_parts += 1
        return part

    def _take_free(self, nbytes: int) -> Segment | None:
        """Return the smallest free segment that fits and is not much too large."""
        fitting = [
            segment for segment in self._free if nbytes <= segment.size <= 2 * nbytes + _ROUNDING
        ]
        if not fitting:
            return None
        # What may be asked for again is overwritten last.
        best = min(fitting, key=lambda segment: (_is_wanted(segment), segment.size))
        self._free.remove(best)
        return best

    def _new(self, nbytes: int) -> Segment | None:
        self._free += self._strays()
        while self._free and (
            self._size() + nbytes > self._budget or len(self._live) >= self.MOST_SEGMENTS
        ):
            self._drop(self._free.pop(0))
        if self._size() + nbytes > self._budget:
            _log(f"the budget of {self._budget} bytes for it is used up")
            return None
        if len(self._live) >= self.MOST_SEGMENTS:
            _log(f"{len(self._live)} segments of it are in use")
            return None
        try:
            memory = new_memory(nbytes, None)
        except (OSError, MemoryError) as error:
            self._warn(_MEMORY, f"{error}. {_BUDGET}")
            return None
        segment = Segment(next(self._numbers), memory)
        self._live[segment.number] = segment
        return segment

    def _strays(self) -> list[Segment]:
        """Return the segments that nobody uses and that are not free: Ctrl-C left them so."""
        return [
            segment
            for segment in self._live.values()
            if not segment.n_parts and segment is not self._arena and segment not in self._free
        ]

    def _write(self, segment: Segment, offset: int, data: memoryview) -> bool:
        try:
            segment.memory.fill(offset, data)
        except OSError as error:
            if segment.n_parts == 0:
                self._drop(segment)
            if segment is self._arena:
                self._arena = None
            self._warn(_MEMORY, f"{error}. {_BUDGET}")
            return False
        return True

    def _size(self) -> int:
        return sum(segment.size for segment in self._live.values())

    def _collect(self) -> None:
        """Take back the segments whose last part is gone."""
        if self._ended:
            with InterruptsHeld():  # or one is taken, and still counts
                while self._ended:
                    self._take_back(self._ended.popleft())
        while self._free and sum(segment.size for segment in self._free) > self._most_kept:
            self._drop(self._free.pop(0))

    def _take_back(self, use: weakref.ref[Part]) -> None:
        """Take note that a part of a segment is gone."""
        assert isinstance(use, _Use)
        self._uses.discard(use)
        segment = use.segment
        segment.n_parts -= 1
        if segment.n_parts:
            return
        if segment.is_spoiled:
            self._drop(segment)
        elif segment is self._arena:
            segment.filled = 0
        else:
            self._free.append(segment)

    def _drop(self, segment: Segment) -> None:
        """Give back a segment's memory, also where others still map it without looking at it."""
        self._live.pop(segment.number, None)
        self.n_dropped += 1
        if segment is self._arena:
            self._arena = None
        if not segment.is_spoiled:
            segment.memory.give_back()

    def _warn(self, way: str, reason: str) -> None:
        if self._has_warned:
            return
        self._has_warned = True
        warnings.warn(_SLOWER.format(way, reason), FanfoldWarning, stacklevel=2)


def _log(reason: str) -> None:
    import logging

    logging.getLogger("fanfold").info(_SLOWER.format(_MEMORY, f"{reason}. {_BUDGET}"))


def _is_same(held: Origin | None, origin: tuple[object, int]) -> bool:
    return held is not None and held[0]() is origin[0] and held[1] == origin[1]


def _is_wanted(segment: Segment) -> bool:
    return segment.origin is not None and segment.origin[0]() is not None


def _holds(segment: Segment, data: memoryview) -> bool:
    """Tell whether a segment's buffer still has the bytes that are in `data` now."""
    if isinstance(data.obj, MappedFile) and data.obj.is_constant:
        return True
    from xxhash import xxh3_128_digest

    if segment.digest is None:
        with memoryview(segment.memory) as memory, memory[: data.nbytes] as held:
            segment.digest = xxh3_128_digest(held)
    return segment.digest == xxh3_128_digest(data)


def _round_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple
