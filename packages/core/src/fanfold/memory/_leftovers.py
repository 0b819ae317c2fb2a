"""What processes leave in a store that die while they compute, or wait for others."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ._leases import LEASES, term_of
from ._notes import WAITING, is_left

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..contracts.store import Store

_CLOCKS_MAY_DIFFER = 60.0


def find_leftovers(store: Store) -> Iterator[tuple[str, str]]:
    """Iterate over the keys of what nobody needs any more, each with what it was.

    None of it does harm: at most, a call that could wait for another computes instead.

    Raises
    ------
    fanfold.errors.StoreError
        If the store cannot be read.
    """
    now = time.time()
    for entry in store.list(LEASES):
        text = store.get(entry.key)
        if text is not None and now - entry.modified > term_of(text, 0.0) + _CLOCKS_MAY_DIFFER:
            yield entry.key, "the lease of a process that died while it computed"
    for entry in store.list(WAITING):
        if is_left(store, entry):
            yield entry.key, "the note of a process that died while it waited"
