"""Small results that are kept in the process, in front of the store."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any, NamedTuple

from ..persistence import decode

LARGEST = 128 * 1024
"""How many bytes the entry of a result may have to be kept in the process."""

_NEVER_CHANGE = frozenset({type(None), bool, int, float, complex, str, bytes})
_PER_ENTRY = 200  # bytes for the key and the bookkeeping, as sys.getsizeof tells


class HotEntry(NamedTuple):
    """A result that is kept in the process.

    Attributes
    ----------
    value : object
        The result, where nobody can change it; else the container that it is made from each time.
    is_result : bool
        Which of these.
    seconds, created : float
        How long computing it took, and when that began.
    """

    value: Any
    is_result: bool
    seconds: float
    created: float

    def result(self) -> Any:
        """Return the result, as nobody else has it."""
        return self.value if self.is_result else decode(self.value)


class HotTier:
    """The results that were used last, up to a number of bytes; any thread may use it.

    Parameters
    ----------
    max_bytes : int
        How many bytes to keep, as the results have in the store.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[str, tuple[HotEntry, int]] = OrderedDict()
        self._lock = Lock()

    def __contains__(self, key: object) -> bool:
        """Return whether a result is here; it does not count as used."""
        return key in self._entries

    def get(self, key: str) -> HotEntry | None:
        """Return a result if it is here; it counts as used."""
        with self._lock:
            found = self._entries.get(key)
            if found is None:
                return None
            self._entries.move_to_end(key)
            return found[0]

    def add(self, key: str, value: object, data: bytes, seconds: float, created: float) -> None:
        """Keep a result, in the place of one that may be here."""
        is_result = _never_changes(value)
        entry = HotEntry(value if is_result else data, is_result, seconds, created)
        n_bytes = len(data) + _PER_ENTRY
        with self._lock:
            self._drop(key)
            self._entries[key] = entry, n_bytes
            self._bytes += n_bytes
            while self._bytes > self._max_bytes:
                self._drop(next(iter(self._entries)))

    def discard(self, key: str) -> None:
        """Let go of a result if it is here."""
        with self._lock:
            self._drop(key)

    def _drop(self, key: str) -> None:
        found = self._entries.pop(key, None)
        if found is not None:
            self._bytes -= found[1]


def _never_changes(value: object) -> bool:
    return type(value) in _NEVER_CHANGE or (
        type(value) is tuple and all(type(item) in _NEVER_CHANGE for item in value)
    )
