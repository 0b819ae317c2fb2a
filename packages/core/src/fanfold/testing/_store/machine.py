"""A store beside a dict: whatever is done to both, they tell the same."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, ClassVar

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from .base import StoreChecks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ...contracts.store import Store

__all__ = ["MachineChecks", "StoreMachine"]

_keys = st.sampled_from(["a/x", "a/y", "a/b/x", "a/b/c/x", "ab/x", "b/x", "c"])
_prefixes = st.sampled_from(["", "a/", "a/b/", "ab/", "b/", "c/", "d/"])
_values = st.lists(st.binary(max_size=20), max_size=3)
_positions = st.integers(min_value=0, max_value=70)


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

    @rule(key=_keys, pieces=_values)
    def put(self, key: str, pieces: list[bytes]) -> None:
        """Put an entry."""
        self.store.put(key, pieces)
        self.model[key] = b"".join(pieces)

    @precondition(lambda self: self.store.capabilities.put_if_absent)
    @rule(key=_keys, pieces=_values)
    def put_if_absent(self, key: str, pieces: list[bytes]) -> None:
        """Put an entry unless there is one."""
        assert self.store.put_if_absent(key, pieces) is (key not in self.model)
        self.model.setdefault(key, b"".join(pieces))

    @rule(key=_keys)
    def get(self, key: str) -> None:
        """Read an entry."""
        assert self.store.get(key) == self.model.get(key)

    @rule(key=_keys, start=_positions, stop=st.none() | _positions)
    def get_range(self, key: str, start: int, stop: int | None) -> None:
        """Read a part of an entry."""
        value = self.model.get(key)
        expected = None if value is None else value[start:stop]
        assert self.store.get(key, start, stop) == expected

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

    @rule()
    def go_on_with_a_second_instance(self) -> None:
        """Close the store and open its location again."""
        self.store.close()
        self.store = self.reopen(self.store)

    def teardown(self) -> None:
        """Compare everything once more."""
        self.list("")
        self.store.close()


class MachineChecks(StoreChecks):
    """The store behaves like a dict."""

    examples: ClassVar[int] = 25
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
