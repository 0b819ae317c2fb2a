"""A store beside a dict: whatever is done to both, they tell the same."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, ClassVar

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from .base import StoreChecks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ...contracts.store import Store

__all__ = ["MachineChecks", "StoreMachine"]

# Few keys and short values, so that what is done meets what was done before.
_keys = st.sampled_from(["a/x", "a/b/x", "ab/x", "c"])
_prefixes = st.sampled_from(["", "a/", "a/b/", "ab/", "c/"])
_sizes = st.lists(st.integers(min_value=0, max_value=8), max_size=2)
_starts = st.integers(min_value=0, max_value=12)
_stops = st.none() | _starts


class StoreMachine(RuleBasedStateMachine):
    """Does random things to a store and to a dict.

    Parameters
    ----------
    store : Store
        A new, empty store.
    reopen : callable
        Makes a second instance of it.
    """

    def __init__(self, store: Store, reopen: Callable[[Store], Store]) -> None:
        super().__init__()
        self.store = store
        self.reopen = reopen
        self.model: dict[str, bytes] = {}
        self._bytes = itertools.cycle(range(256))

    @rule(key=_keys, sizes=_sizes)
    def put(self, key: str, sizes: Sequence[int]) -> None:
        """Put an entry."""
        pieces = self._new_pieces(sizes)
        self.store.put(key, pieces)
        self.model[key] = b"".join(pieces)

    @precondition(lambda self: self.store.capabilities.put_if_absent)
    @rule(key=_keys, sizes=_sizes)
    def put_if_absent(self, key: str, sizes: Sequence[int]) -> None:
        """Put an entry unless there is one."""
        pieces = self._new_pieces(sizes)
        assert self.store.put_if_absent(key, pieces) is (key not in self.model)
        self.model.setdefault(key, b"".join(pieces))

    @rule(start=_starts, stop=_stops)
    def get(self, start: int, stop: int | None) -> None:
        """Read a part of every entry."""
        parts = {key: self.store.get(key, start, stop) for key in self.model}
        assert parts == {key: value[start:stop] for key, value in self.model.items()}

    @rule(key=_keys)
    def get_what_may_be_missing(self, key: str) -> None:
        """Read an entry that may not be there."""
        assert self.store.get(key) == self.model.get(key)

    @rule(key=_keys)
    def delete(self, key: str) -> None:
        """Delete an entry."""
        assert self.store.delete(key) is (self.model.pop(key, None) is not None)

    @precondition(lambda self: self.store.capabilities.touch)
    @rule(key=_keys)
    def touch(self, key: str) -> None:
        """Touch an entry."""
        assert self.store.touch(key) is (key in self.model)

    @precondition(lambda self: self.store.capabilities.local_paths)
    @rule(key=_keys)
    def local_path(self, key: str) -> None:
        """Read the file of an entry."""
        path = self.store.local_path(key)
        assert (None if path is None else path.read_bytes()) == self.model.get(key)

    @rule(prefix=_prefixes)
    def list(self, prefix: str) -> None:
        """List entries."""
        listed = sorted((entry.key, entry.size) for entry in self.store.list(prefix))
        expected = sorted(
            (key, len(value)) for key, value in self.model.items() if key.startswith(prefix)
        )
        assert listed == expected
        # No rule of its own: the more there are, the rarer is a history that finds a fault.
        if self.store.capabilities.indexed:
            sizes = [size for _, size in expected]
            assert self.store.totals(prefix) == (len(sizes), sum(sizes))

    @rule()
    def go_on_with_a_second_instance(self) -> None:
        """Close the store and open its location again."""
        self.store.close()
        self.store = self.reopen(self.store)

    def teardown(self) -> None:
        """Compare everything once more."""
        self.list("")
        self.get(0, None)
        self.store.close()

    def _new_pieces(self, sizes: Sequence[int]) -> Sequence[bytes]:
        """Return pieces whose bytes differ from what the last puts wrote."""
        return [bytes(itertools.islice(self._bytes, size)) for size in sizes]


class MachineChecks(StoreChecks):
    """The store behaves like a dict."""

    examples: ClassVar[int] = 100
    """How many random histories are tried."""

    steps: ClassVar[int] = 30
    """How long each of them is."""

    def test_the_store_behaves_like_a_dict(self, tmp_path: Path) -> None:
        suite, number = self, itertools.count()

        class Machine(StoreMachine):
            def __init__(self) -> None:
                store = suite.make_store(tmp_path / f"example{next(number)}")
                super().__init__(store, suite.reopen)

        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=self.examples,
                stateful_step_count=self.steps,
                deadline=None,
                database=None,
                # Each step of a remote store takes as long as its network.
                suppress_health_check=[HealthCheck.too_slow],
            ),
        )
