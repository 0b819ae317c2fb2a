"""Checks of what a killed writer leaves behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import StoreChecks
from .child import child
from .pieces import BIG, KEY

if TYPE_CHECKING:
    from ...contracts.store import Store

__all__ = ["FaultChecks"]

_KILLS = 3


class FaultChecks(StoreChecks):
    """A writer that is killed leaves what was there, or the whole of what it put."""

    def test_a_writer_killed_in_the_middle_of_a_put_leaves_what_was_there(
        self, store: Store
    ) -> None:
        for before in (None, b"old"):
            if before is not None:
                store.put(KEY, [before])

            with child("half_a_put", store) as writer:
                assert writer.wait_for_line() == b"half"
                writer.kill()

            assert store.get(KEY) == before
            assert [entry.key for entry in store.list()] == ([KEY] if before else [])

        store.put(KEY, [b"new"])
        assert store.get(KEY) == b"new"

    def test_a_writer_killed_at_any_moment_leaves_a_whole_value(self, store: Store) -> None:
        for _ in range(_KILLS):
            with child("put_again_and_again", store) as writer:
                for _ in range(3):
                    assert writer.wait_for_line() == b"put"
                writer.kill()

            value = store.get(KEY)
            assert value is not None
            assert value == value[:1] * BIG
            assert [(entry.key, entry.size) for entry in store.list()] == [(KEY, BIG)]

        assert store.delete(KEY)
        assert not list(store.list())
