"""What a process and its worker lend each other: buffers in shared segments.

Both sides have one of these. A lender tells the borrower where a buffer lies; the borrower maps the
segment, once, and views the buffer in place; when the last array that views it is gone, the
borrower gives the buffer back with its next message.
"""

from __future__ import annotations

from _pickle import dumps, loads

from ...tasks.known_objects import known_objects
from .borrowing import Borrower

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from ..._buffers import Buffer
    from ...sharing import Identity
    from .handover import Handover
    from .segments import Part, Segment, SegmentPool

    Place: TypeAlias = tuple[int, int, str | None, Identity, int, int, str]
    """Number of the loan, number of the segment, its path (None if its descriptor was handed over)
    and identity, offset, length, mode."""

__all__ = ["Exchange"]


class Exchange:
    """One side of the lending between two processes.

    Parameters
    ----------
    handover : Handover
        Its end of the socket pair for descriptors.
    gives : bool
        Whether this side hands over the descriptors of its segments, so that they outlive it.
    """

    def __init__(self, handover: Handover, *, gives: bool) -> None:
        self._handover = handover
        self._gives = gives
        self._borrower = Borrower(handover)
        self._lent: dict[int, Part] = {}
        self._n_loans = 0
        self._told: set[int] = set()
        self._n_dropped = 0
        self._n_objects_dropped = known_objects.n_dropped

    def lend(self, part: Part, mode: str) -> Place | None:
        """Lend a buffer, and return what tells the other side where it is, or None if it cannot be.

        Parameters
        ----------
        part : Part
            The buffer.
        mode : {'r', 'c', 'w'}
            Whether it may only be read, is written to as a private copy, or is written to in place.
        """
        segment = part.segment
        memory = segment.memory
        path = None if self._gives and memory.descriptor is not None else memory.path
        if path is None and not self._give(segment):
            return None
        if segment.number >= 0:
            self._told.add(segment.number)
        if mode == "w":
            segment.origin = None  # from now on it may differ from what it was copied from
        self._n_loans += 1
        self._lent[self._n_loans] = part
        where = part.offset, part.nbytes, mode
        return self._n_loans, segment.number, path, memory.identity, *where

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
                opened.append(next(arrived) if place is None else self._borrower.view(place))
            except OSError:
                self._borrower.decline(places[position:])
                raise
        return opened

    def withdraw(self, places: Sequence[Place | None] | None) -> None:
        """Take back what a message lent that the other side passes over."""
        for place in places or ():
            if place is not None:
                del self._lent[place[0]]

    def news(self, pool: SegmentPool | None) -> bytes | None:
        """Return what the other side must know before the next message, or None if nothing."""
        is_pool_as_told = pool is None or pool.n_dropped == self._n_dropped
        are_objects_as_told = known_objects.n_dropped == self._n_objects_dropped
        if is_pool_as_told and are_objects_as_told and not self._borrower.has_news:
            return None  # so nearly always, and it is asked before each message
        gone: list[int] = []
        if pool is not None and pool.n_dropped != self._n_dropped:
            self._n_dropped = pool.n_dropped
            gone = [number for number in self._told if not pool.is_live(number)]
            self._told.difference_update(gone)
        # First the number: another thread may drop one meanwhile, which is then told twice.
        n_dropped = known_objects.n_dropped
        objects = known_objects.dropped_since(self._n_objects_dropped)
        self._n_objects_dropped = n_dropped
        ended, spoiled = self._borrower.take_ended()
        if not gone and not objects and not ended and not spoiled:
            return None
        return dumps((ended, spoiled, gone, objects), 5)

    def hear(self, news: bytes | Buffer) -> None:
        """Take in what the other side tells."""
        ended, spoiled, gone, objects = loads(news)
        known_objects.forget(objects)
        for loan in spoiled:
            self._lent[loan].segment.is_spoiled = True
        for loan in (*ended, *spoiled):
            del self._lent[loan]
        self._borrower.forget(gone)

    def close(self) -> None:
        """Take everything back: the other side has ended."""
        self._lent.clear()
        self._borrower.close()

    def _give(self, segment: Segment) -> bool:
        """Hand over a segment's descriptor, once, and tell whether the other side has it."""
        if segment.number in self._told:
            return True
        descriptor = segment.memory.descriptor
        assert descriptor is not None
        return self._handover.give(segment.number, descriptor)
