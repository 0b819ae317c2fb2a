"""Batches as core makes them, for checks that use an executor directly."""

from __future__ import annotations

import pickle
from queue import SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from ...contracts.backend import Batch
from ...parallel._feeding import feeder_for
from ...parallel._resolve import nested_level
from ...tasks.terms import Terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ...contracts.backend import Backend, Executor
    from ...contracts.future import BatchFuture
    from ...tasks.batches import EncodedBatch
    from ...tasks.local import LocalBatch
    from ...tasks.naming import Task
    from ...tasks.outcomes import Outcome

    CoreBatch: TypeAlias = EncodedBatch | LocalBatch
    AnyBatch: TypeAlias = "CoreBatch | HandleBatch"

__all__ = ["collect", "make_batch", "make_batches", "put_function", "results", "run"]


def make_batch(backend: Backend, tasks: Sequence[Task], first_task: int = 0) -> CoreBatch:
    """Return all of `tasks` as one batch of the kind that suits the backend."""
    feeder = feeder_for(backend.capabilities, tasks, Terms(nested_level(backend, 2)), lambda: False)
    batch = feeder.take(first_task, len(tasks))
    assert batch is not None
    return batch


def make_batches(backend: Backend, tasks: Sequence[Task]) -> list[CoreBatch]:
    """Return each of `tasks` as a batch of its own."""
    return [make_batch(backend, [task], number) for number, task in enumerate(tasks)]


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


def run(executor: Executor, batches: Sequence[AnyBatch], patience: float) -> list[Outcome]:
    """Submit all batches, wait for them, and return their outcomes in their order."""
    futures = [executor.submit(batch) for batch in batches]
    collect(executor, futures, patience)
    return [batch.decode(future.result()) for batch, future in zip(batches, futures, strict=True)]


def results(outcomes: Iterable[Outcome]) -> list[Any]:
    """Return the results of all outcomes, none of which may be a failure."""
    for outcome in outcomes:
        assert outcome.failure is None
    return [result for outcome in outcomes for result in outcome.results]


class HandleBatch(Batch):
    """A batch whose function does not travel with it, but was put near the workers.

    Parameters
    ----------
    batch : EncodedBatch
        The same with its function.
    handle : object
        What :meth:`Executor.put` returned for the function.
    """

    def __init__(self, batch: EncodedBatch, handle: object) -> None:
        self._batch = batch
        self.first_task = batch.first_task
        self.shared = (handle,)

    @property
    def size(self) -> int:
        """How many tasks it holds."""
        return self._batch.size

    @property
    def label(self) -> str:
        """The name of the function."""
        return self._batch.label

    @property
    def payload(self) -> bytes:
        """The batch as bytes, with a key in the place of the function."""
        (terms, functions, *tasks), buffers, _, same_host = pickle.loads(self._batch.payload)
        keys = tuple(key for key, _ in functions)
        without = [(key, None) for key in keys]
        return pickle.dumps(((terms, without, *tasks), buffers, keys, same_host))

    def run(self) -> object:
        """Refused: it is made to be sent."""
        raise NotImplementedError("a batch with a handle is made to be sent")

    def decode(self, completed: object) -> Outcome:
        """Return the outcome."""
        return self._batch.decode(completed)


def put_function(backend: Backend, executor: Executor, tasks: Sequence[Task]) -> list[HandleBatch]:
    """Return each of `tasks` as a batch; the function that all of them call is put once."""
    batches: list[Any] = make_batches(backend, tasks)
    [function] = batches[0].functions
    handle = executor.put(function.data)
    return [HandleBatch(batch, handle) for batch in batches]
