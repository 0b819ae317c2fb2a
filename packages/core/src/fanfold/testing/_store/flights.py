"""Checks that several processes that need one result at once compute it once.

Where a store has neither locks nor ``put_if_absent``, each process computes for itself: then that
is what the checks see.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .base import StoreChecks
from .child import Child, child

if TYPE_CHECKING:
    from ...contracts.store import Store

__all__ = ["FlightChecks"]

_LIMIT = 60.0
_PAUSE = 0.01


class FlightChecks(StoreChecks):
    """Processes wait for each other's results, as far as the store lets them."""

    def test_of_several_processes_memory_has_one_compute(self, store: Store) -> None:
        with child("compute", store) as first, child("compute", store) as second:
            leader, other = _in_the_order_of_their_lines(first, second)
            assert leader.wait_for_line() == b"computing"
            if _keeps_processes_apart(store):
                _wait_until_it_waits(store, other)
                leader.send(b"end\n")
            else:
                assert other.wait_for_line() == b"computing"
                leader.send(b"end\n")
                other.send(b"end\n")
            results = {leader.wait_for_line(), other.wait_for_line()}

        assert len(results) == (1 if _keeps_processes_apart(store) else 2)
        assert all(entry.key.startswith("fanfold/") for entry in store.list())

    def test_memory_replaces_a_process_that_is_killed_while_it_computes(self, store: Store) -> None:
        with child("compute", store) as first, child("compute", store) as second:
            leader, other = _in_the_order_of_their_lines(first, second)
            assert leader.wait_for_line() == b"computing"
            if _keeps_processes_apart(store):
                _wait_until_it_waits(store, other)
            leader.kill()

            assert other.wait_for_line() == b"computing"
            other.send(b"end\n")
            assert other.wait_for_line().isdigit()


def _keeps_processes_apart(store: Store) -> bool:
    return store.capabilities.locks or store.capabilities.put_if_absent


def _in_the_order_of_their_lines(first: Child, second: Child) -> tuple[Child, Child]:
    deadline = time.monotonic() + _LIMIT
    while not first.has_line():
        if second.has_line():
            return second, first
        assert time.monotonic() < deadline, "neither process computes"
        time.sleep(_PAUSE)
    return first, second


def _wait_until_it_waits(store: Store, process: Child) -> None:
    deadline = time.monotonic() + _LIMIT
    while not list(store.list("fanfold-waiting/")):
        assert not process.has_line(), "both processes compute"
        assert time.monotonic() < deadline, "the other process neither waits nor computes"
        time.sleep(_PAUSE)
