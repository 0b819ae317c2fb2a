"""Checks of the locks of a store, or that it refuses to lock."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from .base import StoreChecks, needs
from .child import child
from .pieces import KEY
from .threads import side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...contracts.store import Store

__all__ = ["LockChecks"]

_THREADS = 4
_ROUNDS = 10
_LIMIT = 60.0
"""After how many seconds a wait that does not end fails."""


class LockChecks(StoreChecks):
    """A name is held by one at a time, and by nobody who is dead."""

    @needs("locks")
    def test_a_name_is_locked_by_one_at_a_time(self, store: Store) -> None:
        other = self.reopen(store)
        for first, second in ((store, store), (store, other), (other, store)):
            release = first.lock(KEY, wait=False)
            assert release is not None

            assert second.lock(KEY, wait=False) is None
            release()
            again = second.lock(KEY, wait=False)
            assert again is not None
            again()

    @needs("locks")
    def test_other_names_may_be_locked_meanwhile(self, store: Store) -> None:
        names = [f"name/{number}" for number in range(10)]

        releases = [store.lock(name, wait=False) for name in names]

        assert None not in releases
        for release in releases:
            assert release is not None
            release()

    @needs("locks")
    def test_a_lock_is_no_entry_and_an_entry_no_lock(self, store: Store) -> None:
        store.put(KEY, [b"value"])

        release = store.lock(KEY)
        missing = store.lock("some/other", wait=False)

        assert release is not None
        assert missing is not None
        assert store.get(KEY) == b"value"
        assert [entry.key for entry in store.list()] == [KEY]
        release()
        missing()
        assert [entry.key for entry in store.list()] == [KEY]

    @needs("locks")
    def test_of_many_threads_each_waits_for_its_turn(self, store: Store) -> None:
        instances = [store, self.reopen(store)]
        inside: list[int] = []

        def work(thread: int, meet: Callable[[], object]) -> int:
            meet()
            crowd = 0
            for _ in range(_ROUNDS):
                release = instances[thread % 2].lock(KEY)
                assert release is not None
                inside.append(thread)
                time.sleep(0.001)  # others get the chance to come in
                crowd = max(crowd, len(inside))
                inside.remove(thread)
                release()
            return crowd

        assert side_by_side(_THREADS, work) == [1] * _THREADS

    @needs("locks")
    def test_a_name_is_locked_for_other_processes_too(self, store: Store) -> None:
        with child("lock", store) as holder:
            assert holder.wait_for_line() == b"locked"
            assert store.lock(KEY, wait=False) is None
            holder.send(b"release\n")
            assert holder.wait_for_line() == b"released"

            release = store.lock(KEY, wait=False)
            assert release is not None
            release()

    @needs("locks")
    def test_who_waits_has_the_lock_of_a_process_that_is_killed(self, store: Store) -> None:
        with ThreadPoolExecutor(1) as threads, child("lock", store) as holder:
            assert holder.wait_for_line() == b"locked"
            waiting = threads.submit(store.lock, KEY)
            assert not waiting.done()

            holder.kill()

            release = waiting.result(_LIMIT)
            assert release is not None
            release()
