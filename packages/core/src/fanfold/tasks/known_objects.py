"""Which shared objects this process has rebuilt, and which of its own are gone; see ``share()``.

A module of its own, with little to import, because every worker looks here.
"""

from __future__ import annotations

import os
from _thread import RLock
from collections import OrderedDict, deque
from itertools import count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["known_objects"]


class _KnownObjects:
    """The shared objects that this process made, or was sent.

    Attributes
    ----------
    has_handles : bool
        Whether there ever was a handle in this process: until then, nobody need look for them.
    n_dropped : int
        How many handles that were made here are gone.
    """

    MOST_REMEMBERED = 16
    MOST_TOLD = 256

    def __init__(self) -> None:
        self.has_handles = False
        self.n_dropped = 0
        self._numbers = count()
        self._dropped: deque[bytes] = deque(maxlen=self.MOST_TOLD)
        self._rebuilt: OrderedDict[bytes, Any] = OrderedDict()
        self._reset()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        # Reentrant, because an object that is let go of may take handles of others along, whose
        # finalizers come here. In a forked child nobody holds it.
        self._lock = RLock()

    def new_key(self) -> bytes:
        """Return a key that no other object has, on any machine."""
        return os.urandom(12) + next(self._numbers).to_bytes(4, "little")

    def watch(self, handle: object, key: bytes) -> None:
        """Take note when a handle that was made here is gone."""
        from weakref import finalize

        finalize(handle, self._drop, key, os.getpid()).atexit = False

    def _drop(self, key: bytes, owner: int) -> None:
        if os.getpid() == owner:
            with self._lock:
                self._dropped.append(key)
                self.n_dropped += 1

    def dropped_since(self, n_dropped: int) -> list[bytes]:
        """Return the keys of handles that are gone since there were so many, the last of them."""
        if n_dropped == self.n_dropped:
            return []
        with self._lock:
            news = self.n_dropped - n_dropped
            return list(self._dropped)[-news:]

    def forget(self, keys: list[bytes]) -> None:
        """Let go of objects whose handles are gone."""
        with self._lock:
            gone = [self._rebuilt.pop(key, None) for key in keys]
        del gone  # not within the lock: what they run as they end is not known here

    def get(self, key: bytes, rebuild: Callable[[], object]) -> Any:
        """Return an object that was sent: as it was rebuilt before, or rebuilt now."""
        with self._lock:
            if key in self._rebuilt:
                self._rebuilt.move_to_end(key)
                return self._rebuilt[key]
        value = rebuild()  # which takes long, and may hold handles of others
        with self._lock:
            # Of several threads that have rebuilt it, the first one's is for all.
            kept = self._rebuilt.setdefault(key, value)
            oldest = None
            if len(self._rebuilt) > self.MOST_REMEMBERED:
                oldest = self._rebuilt.popitem(last=False)
        del oldest
        return kept


known_objects = _KnownObjects()
