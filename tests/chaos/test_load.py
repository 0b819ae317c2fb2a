"""Many callers at once, and very many tasks."""

from __future__ import annotations

from tests.chaos.harness import FULL_ROUNDS


def test_threads_that_call_at_once_get_their_own_results(start, rounds):
    seconds = max(2, 30 * rounds // FULL_ROUNDS)
    start("loaded.py", "threads", seconds).finish()


def test_memory_is_flat_however_many_tasks_there_are(start, rounds):
    start("loaded.py", "tasks", 1_000_000 * rounds // FULL_ROUNDS).finish()
