"""What a call has hold in the whole process of a worker: filters of warnings, levels of loggers.

There is one such state in a process, whatever the number of threads that run tasks there: where an
engine runs those of several calls at once, the call that came last prevails.
"""

from __future__ import annotations

from _thread import allocate_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .log_levels import PackedLevels

__all__ = ["Holding", "holding"]


class Holding:
    """What holds in this process at present, and how to take it back."""

    def __init__(self) -> None:
        self._lock = allocate_lock()
        self._filters: bytes | None = None
        self._levels: PackedLevels | None = None
        self._undo: list[Callable[[], object]] = []
        self._n_batches = 0
        self._have_warned = False

    def have(self, filters: bytes | None, levels: PackedLevels | None) -> None:
        """Have these hold from now on, in the place of what a call had hold before."""
        with self._lock:
            if filters != self._filters or levels != self._levels:
                self._take_back()
                self._put(filters, levels)
            elif self._have_warned:
                from .filters import rearm

                rearm()
            self._have_warned = False

    def begin_batch(self) -> None:
        """Take note that a batch begins in a process that is not only for tasks."""
        with self._lock:
            self._n_batches += 1

    def end_batch(self) -> None:
        """Take back everything at the end of the last batch that runs."""
        with self._lock:
            self._n_batches -= 1
            if not self._n_batches:
                self._take_back()

    def _put(self, filters: bytes | None, levels: PackedLevels | None) -> None:
        # Imported when needed: logging takes longer than most first tasks.
        if filters is not None:
            from .filters import put_filters
            from .shown_warnings import tell_warnings

            self._undo += put_filters(filters), tell_warnings(self._note_warning)
        if levels is not None:
            from .log_levels import put_levels
            from .log_records import tell_records

            self._undo += put_levels(levels), tell_records(caller_has_handlers=levels[2])
        self._filters, self._levels = filters, levels

    def _note_warning(self) -> None:
        self._have_warned = True

    def _take_back(self) -> None:
        while self._undo:
            self._undo.pop()()
        self._filters = self._levels = None


holding = Holding()
