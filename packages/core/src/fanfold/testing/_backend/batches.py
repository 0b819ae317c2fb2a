"""Batches as core makes them, for checks that use an executor directly."""

from __future__ import annotations

from queue import SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from ...parallel._feeding import feeder_for
from ...parallel._resolve import nested_level
from ...tasks.local import StopFlag
from ...tasks.terms import Terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ...contracts.backend import Backend, Executor
    from ...contracts.future import BatchFuture
    from ...tasks.batches import EncodedBatch
    from ...tasks.local import LocalBatch
    from ...tasks.naming import Task
    from ...tasks.outcomes import Outcome
    from ...tasks.storing import Storage

    CoreBatch: TypeAlias = EncodedBatch | LocalBatch

__all__ = ["collect", "make_batch", "make_batches", "results", "run"]


def make_batch(
    backend: Backend,
    tasks: Sequence[Task],
    first_task: int = 0,
    storage: Storage | None = None,
) -> CoreBatch:
    """Return all of `tasks` as one batch of the kind that suits the backend."""
    terms = Terms(nested_level(backend, 2))
    feeder = feeder_for(backend.capabilities, tasks, terms, storage, StopFlag())
    batch = feeder.take(first_task, len(tasks))
    assert batch is not None
    return batch


def make_batches(
    backend: Backend, tasks: Sequence[Task], storage: Storage | None = None
) -> list[CoreBatch]:
    """Return each of `tasks` as a batch of its own."""
    return [make_batch(backend, [task], number, storage) for number, task in enumerate(tasks)]


def collect(
    executor: Executor, futures: Sequence[BatchFuture], patience: float
) -> list[BatchFuture]:
    """Wait until all futures are complete, as core does, and return them as they came."""
    completed: SimpleQueue[BatchFuture | None] = SimpleQueue()
    for future in futures:
        future.add_done_callback(completed.put)
    deadline = monotonic() + patience
    came: list[BatchFuture] = []
    while len(came) < len(futures):
        next_one = executor.wait(completed, max(0.0, deadline - monotonic()))
        if next_one is None:
            pytest.fail(
                f"{len(futures) - len(came)} of {len(futures)} batches are not complete after "
                f"{patience} seconds"
            )
        came.append(next_one)
    assert completed.empty(), "a future was completed more than once"
    return came


def run(executor: Executor, batches: Sequence[CoreBatch], patience: float) -> list[Outcome]:
    """Submit all batches, wait for them, and return their outcomes in their order."""
    futures = [executor.submit(batch) for batch in batches]
    collect(executor, futures, patience)
    return [batch.decode(future.result()) for batch, future in zip(batches, futures, strict=True)]


def results(outcomes: Iterable[Outcome]) -> list[Any]:
    """Return the results of all outcomes, none of which may be a failure."""
    for outcome in outcomes:
        assert not outcome.failures
    return [result for outcome in outcomes for result in outcome.results]
