"""What the checks of a store start from: a fresh store, a second instance, capabilities."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from ...errors import UnsupportedOperationError
from .._suite import Conformance
from .pieces import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ...contracts.store import Store

__all__ = ["StoreChecks", "needs"]


class StoreChecks(Conformance):
    """A store to be checked."""

    def make_store(self, directory: Path) -> Store:
        """Return a new, empty store; each call gives one at a location of its own.

        Parameters
        ----------
        directory : pathlib.Path
            A path of this store's own, at which nothing is yet, for those that can use one.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has to override make_store: return a new, empty store"
        )

    def reopen(self, store: Store) -> Store:
        """Return a second instance of a store, at the same location."""
        copy: Store = pickle.loads(pickle.dumps(store))
        return copy

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        """Give a new, empty store."""
        store = self.make_store(tmp_path / "store")
        yield store
        store.close()

    @pytest.fixture
    def second(self, store: Store) -> Iterator[Store]:
        """Give a second instance at the location of `store`."""
        second = self.reopen(store)
        yield second
        second.close()


Check: TypeAlias = Callable[..., None]

_USES: dict[str, Sequence[Callable[[Store], object]]] = {
    "put_if_absent": [lambda store: store.put_if_absent(KEY, [b"value"])],
    "touch": [lambda store: store.touch(KEY)],
    "get_many": [lambda store: store.get_many([KEY]), lambda store: store.get_many([], 1, 2)],
    "local_paths": [lambda store: store.local_path(KEY)],
    "locks": [lambda store: store.lock(KEY), lambda store: store.lock(KEY, wait=False)],
    "indexed": [lambda store: store.totals(), lambda store: store.by_use()],
}


def needs(capability: str) -> Callable[[Check], Check]:
    """Mark a check of a capability; of a store without it, using it has to be refused cleanly."""

    def decorate(check: Check) -> Check:
        @functools.wraps(check)
        def run(self: StoreChecks, store: Store, **fixtures: Any) -> None:
            if getattr(store.capabilities, capability):
                check(self, store=store, **fixtures)
                return
            for use in _USES[capability]:
                with pytest.raises(UnsupportedOperationError, match=capability):
                    use(store)
            assert store.get(KEY) is None

        return run

    return decorate
