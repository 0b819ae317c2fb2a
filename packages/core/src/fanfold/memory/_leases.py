"""Leases: claims in a store that has no locks, which end when they are not renewed.

A lease is an entry ``fanfold-leases/<name>.<number>``, put only if absent, so one of many gets
it. Its holder rewrites it now and then. Who waits looks whether it changes: a lease that stays the
same for its term, by the clock of who looks, has expired, and whoever puts the entry with the next
number is the new holder. So no two clocks are compared, and no lease is taken away from its holder.

The former holder may only have been stopped, and come back. That does no harm: what is computed
under a lease is published only where nothing is (see :meth:`Entries.write`).
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from threading import Condition, Lock, Thread
from typing import TYPE_CHECKING

from ..errors import StoreError
from ._waits import Pause

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..contracts.store import Store
    from ._waits import Wait

LEASES = "fanfold-leases/"
_RENEWALS_PER_TERM = 3
_LOOKS_PER_TERM = 5
_SHORTEST_PAUSE = 0.01
_LONGEST_PAUSE = 1.0
_GROWTH = 1.5


class Lease:
    """A lease that this process may hold.

    Parameters
    ----------
    store : Store
        Where it is.
    name : str
        What is claimed.
    number : int
        Its place in the row of leases of this name.
    term : float
        After how many seconds without a renewal it expires.
    """

    def __init__(self, store: Store, name: str, number: int, term: float) -> None:
        self._store = store
        self._name = name
        self._number = number
        self._term = term
        self._process = os.getpid()
        self._holder = os.urandom(8).hex()
        self._renewals = 0
        self._changing = Lock()
        self._is_released = False

    @property
    def pause(self) -> float:
        """After how many seconds to renew it."""
        return self._term / _RENEWALS_PER_TERM

    def claim(self) -> bool:
        """Put it unless it is there; return whether that was done."""
        if not self._store.put_if_absent(self._key, [self._text()]):
            return False
        keeper.add(self)
        return True

    def renew(self) -> bool:
        """Show that its holder is alive; return whether to go on with that."""
        with self._changing:  # what was released must not be put again
            if self._is_released:
                return False
            found = self._store.get(self._key)
            if found is None or not found.startswith(self._holder.encode()):
                return False
            self._renewals += 1
            self._store.put(self._key, [self._text()])
            return True

    def release(self) -> None:
        """Remove it, and those that expired before it."""
        if self._process != os.getpid():
            return  # it is the parent's
        keeper.remove(self)
        with self._changing:
            self._is_released = True
            # Where the store cannot be reached now, it expires.
            with suppress(StoreError):
                for number in range(1, self._number + 1):
                    self._store.delete(_key(self._name, number))

    @property
    def _key(self) -> str:
        return _key(self._name, self._number)

    def _text(self) -> bytes:
        return b"%s %d %f" % (self._holder.encode(), self._renewals, self._term)


class LeaseQueue:
    """Waits for the lease of a name that another holds.

    Attributes
    ----------
    release : callable or None
        Gives the lease back, once this has it.
    """

    def __init__(self, store: Store, name: str, term: float) -> None:
        self._store = store
        self._name = name
        self._term = term
        self._number = 1
        self._seen: bytes | None = None
        self._since = 0.0
        self._pause = _SHORTEST_PAUSE
        self._longest = min(_LONGEST_PAUSE, term / _LOOKS_PER_TERM)
        self.release: Callable[[], None] | None = None

    def wait(self) -> Wait:
        """Return what to wait for before the next look: each time longer, up to a second."""
        self._pause = min(self._pause * _GROWTH, self._longest)
        return Pause(self._pause)

    def advance(self) -> None:
        """See how the present lease is, and take the next if it has ended."""
        text = self._store.get(_key(self._name, self._number))
        if text is None:  # it was released, so a new row begins
            self._take(1)
        elif text != self._seen:
            self._seen, self._since = text, time.monotonic()
        elif time.monotonic() - self._since > term_of(text, self._term):
            self._take(self._number + 1)

    def _take(self, number: int) -> None:
        lease = Lease(self._store, self._name, number, self._term)
        if lease.claim():
            self.release = lease.release
        else:
            self._number, self._seen = number, None


class Keeper:
    """Renews the leases of this process; there is one object, :data:`keeper`.

    Its thread begins with the first lease, and ends some time after the last.
    """

    def __init__(self) -> None:
        self._begin()
        if hasattr(os, "register_at_fork"):
            # The thread is not in the child, and the leases are the parent's.
            os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        self._changed = Condition()
        self._due: dict[Lease, float] = {}
        self._is_running = False

    def add(self, lease: Lease) -> None:
        """Begin to renew a lease."""
        with self._changed:
            self._due[lease] = time.monotonic() + lease.pause
            self._changed.notify()
            if not self._is_running:
                Thread(target=self._run, name="fanfold-leases", daemon=True).start()
                self._is_running = True

    def remove(self, lease: Lease) -> None:
        """Cease to renew a lease."""
        with self._changed:
            self._due.pop(lease, None)

    def _run(self) -> None:
        while True:
            lease = self._next()
            if lease is None:
                return
            # If the store cannot be reached, it is tried again; the lease may expire meanwhile,
            # and another compute the same.
            with suppress(StoreError):
                if not lease.renew():
                    self.remove(lease)

    def _next(self) -> Lease | None:
        """Wait until a lease is due and return it; None once there are no more."""
        with self._changed:
            while self._due:
                lease = min(self._due, key=self._due.__getitem__)
                seconds = self._due[lease] - time.monotonic()
                if seconds <= 0:
                    self._due[lease] = time.monotonic() + lease.pause
                    return lease
                self._changed.wait(seconds)
            self._is_running = False
            return None


keeper = Keeper()


def _key(name: str, number: int) -> str:
    return f"{LEASES}{name}.{number}"


def term_of(text: bytes, default: float) -> float:
    """Return the term of a lease, which its holder has written into it."""
    try:
        return float(text.split()[2])
    except (IndexError, ValueError):  # not written by a Memory
        return default
