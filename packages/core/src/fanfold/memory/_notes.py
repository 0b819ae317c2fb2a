"""Notes of who waits for what, in the store, so that nobody waits in a circle.

Who waits for a result puts an entry ``fanfold-waiting/<name>/<number>``, and then looks whether
that closes a circle: of those who would wait for each other, the last at least sees it. The entry
says of which cached calls the wait is a part: these wait too.

Who ends a computation without leaving a result removes the notes: that dismisses those who wait.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from ..errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Self

    from ..contracts.store import Store, StoreEntry
    from ._underway import Call

WAITING = "fanfold-waiting/"
_LONGEST_WAIT = 24 * 60 * 60.0


class Waiting:
    """One wait for a result, noted from the beginning to the end; a context manager.

    Parameters
    ----------
    store : Store
        Where the result will be.
    wanted : Call
        The result.
    part_of : sequence of Call
        The cached calls that this wait is a part of.

    Attributes
    ----------
    was_dismissed : bool
        Once it has ended, whether it was told that there will be no result.
    """

    def __init__(self, store: Store, wanted: Call, part_of: Sequence[Call]) -> None:
        self._store = store
        self._wanted = wanted
        self._part_of = part_of
        self._key = f"{WAITING}{wanted[1]}/{os.urandom(8).hex()}"
        self._is_noted = False
        self._release: Callable[[], None] | None = None
        self.was_dismissed = False

    def __enter__(self) -> Self:
        # Without a note nobody would see the circle that it may close: then it does not wait.
        with suppress(StoreError):
            if self._store.capabilities.locks:  # shows that this process lives
                self._release = self._store.lock(self._key, wait=False)
            self._store.put(self._key, [json.dumps(self._part_of).encode()])
            self._is_noted = True
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(StoreError):  # a note that stays makes somebody compute who could wait
            self.was_dismissed = self._is_noted and not self._store.delete(self._key)
        if self._release is not None:
            self._release()

    def may_go_on(self) -> bool:
        """Return whether the result can come before what this wait is a part of."""
        try:
            return self._is_noted and not closes_a_circle(self._wanted, self._part_of)
        except StoreError:
            return False


class Places:
    """The stores that this process has open, by location; there is one object, :data:`places`."""

    def __init__(self) -> None:
        self._stores: WeakValueDictionary[str, Store] = WeakValueDictionary()

    def add(self, store: Store) -> None:
        """Make a store known."""
        self._stores[store.location] = store

    def are_waiting_for(self, call: Call) -> Iterator[Call]:
        """Iterate over the calls that cannot go on before `call` has its result.

        Raises
        ------
        fanfold.errors.StoreError
            If a store cannot be read.
        """
        location, name = call
        store = self._stores.get(location)
        if store is None:
            return  # one that only other processes use
        for entry in store.list(f"{WAITING}{name}/"):
            note = store.get(entry.key)
            if note is not None and not is_left(store, entry):
                for waiting in json.loads(note):
                    yield tuple(waiting)


places = Places()


def closes_a_circle(wanted: Call, part_of: Sequence[Call]) -> bool:
    """Return whether `wanted` cannot have its result before one of `part_of` has its own.

    Raises
    ------
    fanfold.errors.StoreError
        If a store cannot be read.
    """
    seen = set(part_of)
    to_do = list(part_of)
    while to_do:
        for waiting in places.are_waiting_for(to_do.pop()):
            if waiting == wanted:
                return True
            if waiting not in seen:
                seen.add(waiting)
                to_do.append(waiting)
    return False


def is_left(store: Store, note: StoreEntry) -> bool:
    """Return whether who wrote a note has died; without locks, whether it is a day old.

    Raises
    ------
    fanfold.errors.StoreError
        If the store cannot be read.
    """
    if not store.capabilities.locks:
        return time.time() - note.modified > _LONGEST_WAIT
    # Who waits has locked its note.
    release = store.lock(note.key, wait=False)
    if release is None:
        return False
    release()
    return True


def dismiss(store: Store, name: str) -> None:
    """Tell those who wait for a result that there will be none.

    Raises
    ------
    fanfold.errors.StoreError
        If the store cannot be read or written.
    """
    for entry in store.list(f"{WAITING}{name}/"):
        store.delete(entry.key)
