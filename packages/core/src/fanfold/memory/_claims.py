"""How a process claims a result that it is about to compute, beside all others at the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ._leases import Lease, LeaseQueue
from ._waits import UntilLocked

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..contracts.store import Store
    from ._waits import Wait

    Release = Callable[[], None]


class Queue(Protocol):
    """Waits for a claim that another has."""

    release: Release | None
    """Gives the claim back, once it is there."""

    def wait(self) -> Wait:
        """Return what to wait for next."""

    def advance(self) -> None:
        """See what the wait has brought."""


class Claims(Protocol):
    """A kind of claims."""

    may_be_lost: bool
    """Whether who has one may lose it without noticing, so that two may have it."""

    def claim(self, name: str) -> Release | None:
        """Claim a name; return what gives it back, or None if another has it."""

    def queue(self, name: str) -> Queue:
        """Return what waits for a name."""


def claims_for(store: Store, term: float) -> Claims | None:
    """Return the best kind of claims that a store is good for; None where it is for none.

    Parameters
    ----------
    store : Store
        The store.
    term : float
        After how many seconds a lease expires, if need be.
    """
    if store.capabilities.locks:
        return LockClaims(store)
    if store.capabilities.put_if_absent:
        return LeaseClaims(store, term)
    return None


class LockClaims:
    """Claims by locks: who waits sleeps until the lock is given back, if only by a death."""

    may_be_lost = False

    def __init__(self, store: Store) -> None:
        self._store = store

    def claim(self, name: str) -> Release | None:
        """Claim a name; return what gives it back, or None if another has it."""
        return self._store.lock(name, wait=False)

    def queue(self, name: str) -> Queue:
        """Return what waits for a name."""
        return _LockQueue(self._store, name)


class _LockQueue:
    def __init__(self, store: Store, name: str) -> None:
        self._until_locked = UntilLocked(lambda: store.lock(name))
        self.release: Release | None = None

    def wait(self) -> Wait:
        return self._until_locked

    def advance(self) -> None:
        self.release = self._until_locked.release


class LeaseClaims:
    """Claims by leases; see :mod:`._leases`."""

    may_be_lost = True

    def __init__(self, store: Store, term: float) -> None:
        self._store = store
        self._term = term

    def claim(self, name: str) -> Release | None:
        """Claim a name; return what gives it back, or None if another has it."""
        lease = Lease(self._store, name, 1, self._term)
        return lease.release if lease.claim() else None

    def queue(self, name: str) -> Queue:
        """Return what waits for a name."""
        return LeaseQueue(self._store, name, self._term)
