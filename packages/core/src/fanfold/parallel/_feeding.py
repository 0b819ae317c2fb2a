"""Taking tasks from the user's iterator, as the batches that a backend runs."""

from __future__ import annotations

from contextvars import copy_context
from itertools import chain, count, islice

from .._nesting import nesting, seed_scope
from ..tasks.batches import EncodedBatch
from ..tasks.encoding import TaskEncoder
from ..tasks.local import LocalBatch, LoopBatch
from ._configuration import configuration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextvars import Context
    from typing import Protocol

    from ..contracts.backend import BackendCapabilities
    from ..tasks.batches import EncodedTask
    from ..tasks.naming import Task
    from ..tasks.storing import Storage
    from ..tasks.terms import Terms
    from ..tasks.travel.initializers import Initializer

    class Feeder(Protocol):
        """Takes tasks from an iterator."""

        exhausted: bool

        def take_all(self) -> None:
            """Take everything from the iterator now, as ``pre_dispatch="all"`` asks for."""

        def first_function(self) -> bytes | None:
            """Return what tells the first task's function from others, where that is known."""

        def look_ahead(self, size: int) -> int:
            """Take up to `size` tasks from the iterator beforehand, and return how many came."""

        def take(self, first_task: int, size: int) -> EncodedBatch | LocalBatch | None:
            """Return up to `size` tasks as a batch, or None at the end.

            What the iterator raises is raised.
            """


__all__ = ["Feeder", "feeder_for"]


def feeder_for(
    capabilities: BackendCapabilities,
    tasks: Iterable[Task],
    terms: Terms,
    storage: Storage | None,
    stopped: Callable[[], bool],
    initializer: Initializer | None = None,
) -> Feeder:
    """Return the feeder that suits a backend."""
    if capabilities.runs_in_caller:
        return _LoopFeeder(tasks, terms, stopped, initializer)
    if capabilities.shares_memory:
        return _LiveFeeder(tasks, terms, stopped, initializer)
    return _EncodingFeeder(tasks, terms, storage, same_host=not capabilities.spans_hosts)


class _EncodingFeeder:
    """Encodes each task as it is taken, for backends that do not share memory."""

    MOST_BYTES = 8 << 20

    def __init__(
        self, tasks: Iterable[Task], terms: Terms, storage: Storage | None, *, same_host: bool
    ) -> None:
        self._encoder = TaskEncoder(terms, same_host=same_host, storage=storage)
        self._encoded: Iterator[EncodedTask] = map(self._encoder.encode, tasks, count())
        self.exhausted = False

    def take_all(self) -> None:
        self._encoded = iter(list(self._encoded))

    def first_function(self) -> bytes | None:
        first = next(self._encoded, None)
        if first is None:
            return None
        self._encoded = chain([first], self._encoded)
        return first.function.key

    def look_ahead(self, size: int) -> int:
        ahead = list(islice(self._encoded, size))
        self._encoded = chain(ahead, self._encoded)
        return len(ahead)

    def take(self, first_task: int, size: int) -> EncodedBatch | None:
        batch = self._encoder.batch(first_task)
        for task in islice(self._encoded, size):
            batch.add(task)
            if batch.nbytes >= self.MOST_BYTES:
                return batch
        self.exhausted = batch.size < size
        return batch if batch.size else None


class _LocalFeeder:
    """What feeders of live tasks have in common."""

    def __init__(
        self,
        tasks: Iterable[Task],
        terms: Terms,
        stopped: Callable[[], bool],
        initializer: Initializer | None,
    ) -> None:
        self._tasks = iter(tasks)
        self._terms = terms
        self._stopped = stopped
        self._initializer = initializer
        self.exhausted = False

    def take_all(self) -> None:
        self._tasks = iter(list(self._tasks))

    def first_function(self) -> bytes | None:
        return None  # nothing travels, so there is nothing to save

    def look_ahead(self, size: int) -> int:
        return 0


class _LiveFeeder(_LocalFeeder):
    """Hands tasks on as they are, each batch to run in a copy of the caller's context."""

    def __init__(
        self,
        tasks: Iterable[Task],
        terms: Terms,
        stopped: Callable[[], bool],
        initializer: Initializer | None,
    ) -> None:
        super().__init__(tasks, terms, stopped, initializer)
        self._context = _nested_context(terms)
        self._kind: type[LocalBatch] = LocalBatch
        if terms.task_seconds is not None:
            from ..tasks.watched import WatchedBatch

            self._kind = WatchedBatch

    def take(self, first_task: int, size: int) -> LocalBatch | None:
        tasks = list(islice(self._tasks, size))
        self.exhausted = len(tasks) < size
        if not tasks:
            return None
        return self._kind(
            first_task, tasks, self._terms, self._context, self._stopped, self._initializer
        )


class _LoopFeeder(_LocalFeeder):
    """Lets the batch itself take each task when the one before has run, as a loop does."""

    def take(self, first_task: int, size: int) -> LoopBatch | None:
        return LoopBatch(
            first_task, self._up_to(size), self._terms, self._stopped, self._initializer
        )

    def _up_to(self, size: int) -> Iterator[Task]:
        taken = 0
        for taken, task in enumerate(islice(self._tasks, size), start=1):  # noqa: B007
            yield task
        self.exhausted = taken < size


def _nested_context(terms: Terms) -> Context:
    """Return a copy of the context in which calls of Parallel know that they are nested."""
    context = copy_context()
    context.run(nesting.set, terms.level)
    context.run(configuration.set, {})
    context.run(seed_scope.set, None)  # what encloses the call is for the call itself
    return context
