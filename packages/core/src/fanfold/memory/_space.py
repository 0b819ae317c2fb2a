"""How much a cache holds, and making room in it."""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING

from ..errors import StoreError
from ._budget import Ledger
from ._eviction import choose_victims
from ._key import ROOT
from ._reporting import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..contracts.store import Store, StoreEntry
    from ._budget import Budget
    from ._reporting import Warner


class Space:
    """The space that the results of one :class:`Memory` take in their store.

    Parameters
    ----------
    store : Store
        Where they are.
    budget : Budget
        How much may be kept.
    delete : callable
        Removes an entry, by its key.
    warner : Warner
        Told that the budget cannot be kept.
    """

    def __init__(
        self, store: Store, budget: Budget, delete: Callable[[str], object], warner: Warner
    ) -> None:
        self._store = store
        self._budget = budget
        self._delete = delete
        self._warner = warner
        self._ledger = Ledger(budget) if budget else None
        self._evicting = Lock()

    def totals(self) -> tuple[int, int]:
        """Return how many results there are, and how many bytes they have.

        Raises
        ------
        fanfold.errors.StoreError
            If the store cannot be read.
        """
        if self._store.capabilities.indexed:
            # An index may be out of reach where results are not, as on a read-only disk: the list
            # below tells the same, or raises what is wrong with the store.
            with suppress(StoreError):
                return self._store.totals(ROOT)
        sizes = [entry.size for entry in self._store.list(ROOT)]
        return len(sizes), sum(sizes)

    def evict(
        self, bytes_limit: int | None, items_limit: int | None, unused_for: float | None
    ) -> tuple[int, int]:
        """Remove what was not used for longest until the rest keeps all limits.

        Returns
        -------
        tuple of int
            How many results are left, and how many bytes they have.

        Raises
        ------
        fanfold.errors.StoreError
            If the store cannot be read or written.
        """
        by_use: Iterable[StoreEntry]
        if self._store.capabilities.indexed:
            n_items, n_bytes = self._store.totals(ROOT)
            by_use = self._store.by_use(ROOT)
        else:
            by_use = sorted(self._store.list(ROOT), key=lambda entry: entry.modified)
            n_items, n_bytes = len(by_use), sum(entry.size for entry in by_use)
        victims = choose_victims(
            by_use,
            n_items,
            n_bytes,
            bytes_limit=bytes_limit,
            items_limit=items_limit,
            not_used_since=None if unused_for is None else time.time() - unused_for,
        )
        for entry in victims:
            self._delete(entry.key)
            tell("evicted", entry.key.split("/")[1], entry.key, nbytes=entry.size)
            n_items -= 1
            n_bytes -= entry.size
        return n_items, n_bytes

    def note_added(self, n_bytes: int) -> None:
        """Make room if need be, now that a result was added.

        An error is told and not raised, since the result is there.
        """
        ledger = self._ledger
        if ledger is None or not ledger.add(n_bytes, time.time()):
            return
        if not self._evicting.acquire(blocking=False):
            return  # another thread is at it
        try:
            self._keep_budget(ledger)
        except StoreError as error:
            self._warner.warn("evict", f"the limits of the cache are not kept: {error}")
        finally:
            self._evicting.release()

    def _keep_budget(self, ledger: Ledger) -> None:
        now = time.time()
        left = self.totals()
        max_bytes, max_entries = self._budget.limits_to_restore(*left)
        if max_bytes is not None or max_entries is not None or self._budget.ttl is not None:
            left = self.evict(max_bytes, max_entries, self._budget.ttl)
        ledger.looked(*left, now)
