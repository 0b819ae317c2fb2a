"""What a process and its worker lend each other: buffers in shared segments.

Both sides have one of these. A lender tells the borrower where a buffer lies; the borrower maps the
segment, once, and views the buffer in place; when the last array that views it is gone, the
borrower gives the buffer back with its next message.
"""

from __future__ import annotations

import os
from _pickle import PickleBuffer, dumps, loads
from collections import deque

from ...tasks.known_objects import known_objects

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from ..._buffers import Buffer
    from ...sharing import Identity, MappedFile
    from .segments import Part, SegmentPool

    Place: TypeAlias = tuple[int, int, str, Identity, int, int, str]
    """Number of the loan, number of the segment, its path and identity, offset, length, mode."""

__all__ = ["Exchange"]


class Exchange:
    """One side of the lending between two processes.

    A process that forks gives its child views of what it borrowed, and nobody tells when the child
    is done with them: such buffers are given back as spoiled, and their segments not used again.
    """

    def __init__(self) -> None:
        self._lent: dict[int, Part] = {}
        self._n_loans = 0
        self._told: set[int] = set()
        self._n_dropped = 0
        self._n_objects_dropped = known_objects.n_dropped
        self._maps: dict[int, MappedFile] = {}
        self._ended: deque[tuple[int, int]] = deque()

    def lend(self, part: Part, mode: str) -> Place:
        """Lend a buffer, and return what tells the other side where it is.

        Parameters
        ----------
        part : Part
            The buffer.
        mode : {'r', 'c', 'w'}
            Whether it may only be read, is written to as a private copy, or is written to in place.
        """
        self._n_loans += 1
        self._lent[self._n_loans] = part
        segment = part.segment
        if mode == "w":
            segment.origin = None  # from now on it may differ from what it was copied from
        if segment.number >= 0:
            self._told.add(segment.number)
        memory = segment.memory
        return (
            self._n_loans,
            segment.number,
            memory.path,
            memory.identity,
            part.offset,
            part.nbytes,
            mode,
        )

    def borrow(self, place: Place) -> memoryview:
        """Return a view of a buffer that the other side lends.

        Raises
        ------
        OSError
            If its memory cannot be mapped.
        """
        from ctypes import c_ubyte
        from weakref import finalize

        loan, number, path, identity, offset, nbytes, mode = place
        file = self._maps.get(number)
        if file is None or mode == "c":
            from ...sharing import map_file, map_privately

            if mode == "c":
                file = map_privately(path, identity)
            else:
                file = map_file(path, identity, "r+")
                if number >= 0:
                    self._maps[number] = file
        # What arrays keep alive is this object, so its end is theirs.
        lent = (c_ubyte * nbytes).from_buffer(file, offset)
        finalize(lent, self._ended.append, (loan, _forks.count)).atexit = False
        view = PickleBuffer(lent).raw()  # as plain bytes, whatever ctypes calls them
        return view.toreadonly() if mode == "r" else view

    def open(
        self, places: Sequence[Place | None] | None, buffers: Sequence[Buffer]
    ) -> Sequence[Buffer]:
        """Return all buffers of a message: those that came with it, and those that are lent.

        Raises
        ------
        OSError
            If memory cannot be mapped; then nothing of the message is borrowed.
        """
        if places is None:
            return buffers
        arrived = iter(buffers)
        opened: list[Buffer] = []
        for position, place in enumerate(places):
            try:
                opened.append(next(arrived) if place is None else self.borrow(place))
            except OSError:
                self.decline(places[position:])
                raise
        return opened

    def decline(self, places: Sequence[Place | None] | None) -> None:
        """Give back what a message lends without looking at it."""
        self._ended.extend((place[0], _forks.count) for place in places or () if place is not None)

    def news(self, pool: SegmentPool | None) -> bytes | None:
        """Return what the other side must know before the next message, or None if nothing."""
        gone: list[int] = []
        if pool is not None and pool.n_dropped != self._n_dropped:
            self._n_dropped = pool.n_dropped
            gone = [number for number in self._told if not pool.is_live(number)]
            self._told.difference_update(gone)
        # First the number: another thread may drop one meanwhile, which is then told twice.
        n_dropped = known_objects.n_dropped
        objects = known_objects.dropped_since(self._n_objects_dropped)
        self._n_objects_dropped = n_dropped
        if not gone and not objects and not self._ended:
            return None
        ended: list[int] = []
        spoiled: list[int] = []
        while self._ended:
            loan, forks = self._ended.popleft()
            (ended if forks == _forks.count else spoiled).append(loan)
        return dumps((ended, spoiled, gone, objects), 5)

    def hear(self, news: bytes | Buffer) -> None:
        """Take in what the other side tells."""
        ended, spoiled, gone, objects = loads(news)
        known_objects.forget(objects)
        for loan in spoiled:
            self._lent[loan].segment.is_spoiled = True
        for loan in (*ended, *spoiled):
            del self._lent[loan]
        for number in gone:
            self._maps.pop(number, None)

    def close(self) -> None:
        """Take everything back: the other side has ended."""
        self._lent.clear()
        self._maps.clear()


class _Forks:
    """How many times this process has forked."""

    def __init__(self) -> None:
        self.count = 0
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self._increase)

    def _increase(self) -> None:
        self.count += 1


_forks = _Forks()
