"""What a cache has been good for: its calls, counted."""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import TYPE_CHECKING

from ..contracts._value import Value
from ._showing import html_table, readable_seconds, readable_size

if TYPE_CHECKING:
    from collections.abc import Iterator


class CacheStats(Value):
    """How much is in a cache, and what it saved; see :meth:`Memory.stats`.

    Attributes
    ----------
    hits : int
        How many calls through this :class:`Memory`, in this process, found their result.
    misses : int
        How many did not.
    seconds_saved : float
        How long computing the results took that were found.
    refused : int
        How many results were there but not signed as they should be; see `signing_key`.
    entries : int
        How many results are in the cache, whoever put them there.
    bytes : int
        How many bytes they take.
    """

    __slots__ = ("bytes", "entries", "hits", "misses", "refused", "seconds_saved")

    hits: int
    misses: int
    seconds_saved: float
    refused: int
    entries: int
    bytes: int

    def __init__(
        self,
        *,
        hits: int,
        misses: int,
        seconds_saved: float,
        refused: int,
        entries: int,
        bytes: int,
    ) -> None:
        self._hold(
            hits=hits,
            misses=misses,
            seconds_saved=seconds_saved,
            refused=refused,
            entries=entries,
            bytes=bytes,
        )

    def rows(self) -> Iterator[tuple[str, str]]:
        """Iterate over what there is to tell, each with its name, for people."""
        yield "results", str(self.entries)
        yield "size", readable_size(self.bytes)
        yield "hits", str(self.hits)
        yield "misses", str(self.misses)
        if self.refused:
            yield "refused", str(self.refused)
        yield "time saved", readable_seconds(self.seconds_saved)

    def _repr_html_(self) -> str:
        return html_table((), self.rows())


class Counts:
    """Counts the calls of one :class:`Memory` in this process; any thread may add to it."""

    __slots__ = ("_hits", "_lock", "_misses", "_noted", "_refused", "_seconds_saved")

    MOST_NOTED = 1000

    def __init__(self) -> None:
        self._lock = Lock()
        self._noted: deque[float] = deque()  # hits that are not summed up: a lock takes 0.3 µs
        self._hits = 0
        self._misses = 0
        self._refused = 0
        self._seconds_saved = 0.0

    def hit(self, seconds: float) -> None:
        """Count a call that found its result, which took so long to compute."""
        self._noted.append(seconds)
        if len(self._noted) > self.MOST_NOTED:
            with self._lock:
                self._sum_up()

    def miss(self) -> None:
        """Count a call that did not."""
        with self._lock:
            self._misses += 1

    def refuse(self) -> None:
        """Count a result that was there but not signed as it should be."""
        with self._lock:
            self._refused += 1

    def totals(self) -> tuple[int, int, int, float]:
        """Return the numbers of hits, of misses and of refusals, and the seconds saved."""
        with self._lock:
            self._sum_up()
            return self._hits, self._misses, self._refused, self._seconds_saved

    def _sum_up(self) -> None:
        for _ in range(len(self._noted)):  # others may add some meanwhile, but only we take them
            self._hits += 1
            self._seconds_saved += self._noted.popleft()
