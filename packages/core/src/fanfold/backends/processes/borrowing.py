"""The segments of the other side, as this process maps them, and the views of what lies in them."""

from __future__ import annotations

import mmap
import os
import sys
import weakref
from _pickle import PickleBuffer
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from ctypes import Array, c_ubyte

    from ...sharing import MappedFile
    from .exchange import Place
    from .handover import Handover

__all__ = ["Borrower", "forks"]

_CAN_RENEW = sys.platform == "linux" and hasattr(mmap, "MADV_DONTNEED")
"""Whether a private map can be made to show anew what it maps. Elsewhere the same advice is only
taken as a hint."""


class _Forks:
    """How many times this process has forked."""

    def __init__(self) -> None:
        self.count = 0
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self._increase)

    def _increase(self) -> None:
        self.count += 1


forks = _Forks()


class _Mapping:
    """A segment that is mapped, and which loans of it are in use."""

    __slots__ = ("loans", "memory")

    def __init__(self, memory: MappedFile) -> None:
        self.memory = memory
        self.loans: dict[int, _Loan] = {}

    def is_in_use(self) -> bool:
        """Tell whether anything still views it, told or not."""
        return any(loan() is not None for loan in self.loans.values())


class _Loan(weakref.ref["Array[c_ubyte]"]):
    """What is left of a view when it is gone, in the queue of what has ended.

    The queue's own ``append`` puts it there. An end that runs Python code, as one of
    :func:`weakref.finalize` does, can itself be ended by Ctrl-C, and Python ignores that.
    """

    __slots__ = ("among", "n_forks", "number")

    among: dict[int, _Loan]
    """Those of the same map, not the map: that must not wait for the collector of garbage."""
    n_forks: int
    number: int


class Borrower:
    """Maps each segment of the other side once, and views buffers in it.

    Mapping and touching memory for the first time takes longer than reading it, so maps are kept
    until the other side says that the segment is gone. What this process writes to a private map is
    dropped when nothing in it is in use: the next buffer there is then seen as it is.

    Parameters
    ----------
    handover : Handover
        On which the descriptors of segments arrive that have no path.
    """

    def __init__(self, handover: Handover) -> None:
        self._handover = handover
        self._mappings: dict[tuple[int, bool], _Mapping] = {}
        self.ended: deque[weakref.ref[Array[c_ubyte]]] = deque()
        self._declined: list[int] = []

    def view(self, place: Place) -> memoryview:
        """Return a view of a buffer that the other side lends.

        Raises
        ------
        OSError
            If its memory cannot be mapped.
        """
        from ctypes import c_ubyte

        from ..._interrupts import InterruptsHeld

        number, _, _, _, offset, nbytes, mode = place
        with InterruptsHeld():  # from the descriptor that arrives to the loan that is noted
            mapping = self._mapping(place)
            # What arrays keep alive is this object, so its end is theirs.
            lent = (c_ubyte * nbytes).from_buffer(mapping.memory, offset)
            loan = _Loan(lent, self.ended.append)
            loan.among, loan.n_forks, loan.number = mapping.loans, forks.count, number
            mapping.loans[number] = loan
        view = PickleBuffer(lent).raw()  # as plain bytes, whatever ctypes calls them
        return view.toreadonly() if mode == "r" else view

    def decline(self, places: Iterable[Place | None]) -> None:
        """Give back buffers that cannot be mapped, as spoiled: their segments are of no use."""
        self._declined += [place[0] for place in places if place is not None]

    @property
    def has_news(self) -> bool:
        """Whether there is anything to take."""
        return bool(self.ended or self._declined)

    def take_ended(self) -> tuple[list[int], list[int]]:
        """Return the loans that have ended since the last time.

        A process that forks gives its child views of what it borrowed, and nobody tells when the
        child is done with them: such loans come apart, as the second list.
        """
        ended: list[int] = []
        spoiled, self._declined = self._declined, []
        while self.ended:
            loan = self.ended.popleft()
            assert isinstance(loan, _Loan)
            del loan.among[loan.number]
            (ended if loan.n_forks == forks.count else spoiled).append(loan.number)
        return ended, spoiled

    def forget(self, numbers: Iterable[int]) -> None:
        """Unmap segments that are gone, when the last view of them is."""
        for number in numbers:
            self._mappings.pop((number, False), None)
            self._mappings.pop((number, True), None)

    def close(self) -> None:
        """Let go of all of them, and of the socket."""
        self._mappings.clear()
        self._handover.close()

    def _mapping(self, place: Place) -> _Mapping:
        _, number, path, identity, _, _, mode = place
        is_private = mode == "c"
        mapping = self._mappings.get((number, is_private))
        if mapping is None:
            mapping = _Mapping(self._map(number, path, identity, is_private=is_private))
            if number >= 0 and (_CAN_RENEW or not is_private):
                self._mappings[number, is_private] = mapping
        elif is_private and not mapping.is_in_use():
            mapping.memory.madvise(mmap.MADV_DONTNEED)
        return mapping

    def _map(
        self, number: int, path: str | None, identity: tuple[int, int], *, is_private: bool
    ) -> MappedFile:
        from ...sharing import MappedFile, map_file, map_privately

        if path is not None:
            return map_privately(path, identity) if is_private else map_file(path, identity, "r+")
        descriptor = self._handover.take(number)
        try:
            return MappedFile(descriptor, "c" if is_private else "r+", "handed over", is_own=False)
        finally:
            os.close(descriptor)
