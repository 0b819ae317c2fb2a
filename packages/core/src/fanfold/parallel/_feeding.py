"""Taking tasks from the user's iterator, as the batches that a backend runs."""

from __future__ import annotations

from collections import deque
from contextvars import copy_context
from itertools import islice

from .._nesting import nesting, seed_scope
from ..tasks.batches import EncodedBatch
from ..tasks.encoding import TaskEncoder
from ..tasks.local import LocalBatch, LoopBatch, own_bytes
from ..tasks.naming import live_function_key
from ._configuration import configuration
from ._peeking import look_ahead, raising

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable
    from contextvars import Context
    from typing import Protocol

    from ..contracts.backend import BackendCapabilities
    from ..contracts.lookup import Finder
    from ..tasks.batches import EncodedTask
    from ..tasks.local import StopFlag
    from ..tasks.naming import Task
    from ..tasks.storing import Storage
    from ..tasks.terms import Terms
    from ..tasks.travel.initializers import Initializer

    class Feeder(Protocol):
        """Takes tasks from an iterator."""

        @property
        def exhausted(self) -> bool:
            """Whether the iterator is known to have ended."""

        def take_all(self) -> None:
            """Take everything from the iterator now, as ``pre_dispatch="all"`` asks for."""

        def first_function(self) -> Hashable | None:
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
    stop: StopFlag,
    initializer: Initializer | None = None,
    finder: Finder | None = None,
) -> Feeder:
    """Return the feeder that suits a backend, and looks for results first if there is a finder."""
    if capabilities.runs_in_caller:
        return _LoopFeeder(tasks, terms, stop, initializer)
    feeder: _LiveFeeder | _EncodingFeeder
    if capabilities.shares_memory:
        feeder = _LiveFeeder(tasks, terms, stop, initializer)
    else:
        feeder = _EncodingFeeder(tasks, terms, storage, same_host=not capabilities.spans_hosts)
    if finder is None:
        return feeder
    from ._looking import LookingFeeder  # most calls are of functions that are not cached

    counts_misses = not capabilities.shares_memory
    return LookingFeeder(feeder, tasks, finder.at_once, counts_misses=counts_misses)


class _EncodingFeeder:
    """Encodes each task as it is taken, for backends that do not share memory."""

    MOST_BYTES = 8 << 20

    def __init__(
        self, tasks: Iterable[Task], terms: Terms, storage: Storage | None, *, same_host: bool
    ) -> None:
        self._encoder = TaskEncoder(terms, same_host=same_host, storage=storage)
        self._tasks = iter(tasks)
        self._ahead: deque[EncodedTask] = deque()
        self._n_encoded = 0
        self.exhausted = False

    def take_all(self) -> None:
        for task in self._tasks:
            self._ahead.append(self.prepare(task, self._n_encoded))

    def first_function(self) -> Hashable | None:
        return self._ahead[0].function.key if self.look_ahead(1) else None

    def look_ahead(self, size: int) -> int:
        ahead = self._ahead
        try:
            for task in islice(self._tasks, max(0, size - len(ahead))):
                ahead.append(self.prepare(task, self._n_encoded))
        except Exception as error:  # noqa: BLE001  the user's iterator may raise anything
            self._tasks = raising(error)  # in its turn, when the call is under way
        return min(size, len(ahead))

    def prepare(self, task: Task, index: int) -> EncodedTask:
        encoded = self._encoder.encode(task, index)
        self._n_encoded += 1
        return encoded

    def nbytes_of(self, prepared: EncodedTask) -> int:
        return prepared.nbytes

    def batch_of(self, first_task: int, prepared: list[EncodedTask]) -> EncodedBatch:
        batch = self._encoder.batch(first_task)
        for task in prepared:
            batch.add(task)
        return batch

    def take(self, first_task: int, size: int) -> EncodedBatch | None:
        batch = self._encoder.batch(first_task)
        while self._ahead and batch.size < size and batch.nbytes < self.MOST_BYTES:
            batch.add(self._ahead.popleft())
        if not self._ahead:
            self._encoder.fill(batch, self._tasks, size, self.MOST_BYTES)
            self.exhausted = batch.size < size and batch.nbytes < self.MOST_BYTES
            self._n_encoded = first_task + batch.size
        return batch if batch.size else None


class _LocalFeeder:
    """What feeders of live tasks have in common."""

    def __init__(
        self,
        tasks: Iterable[Task],
        terms: Terms,
        stop: StopFlag,
        initializer: Initializer | None,
    ) -> None:
        self._tasks = iter(tasks)
        self._terms = terms
        self._stop = stop
        self._initializer = initializer

    def take_all(self) -> None:
        self._tasks = iter(list(self._tasks))


class _LiveFeeder(_LocalFeeder):
    """Hands tasks on as they are, each batch to run in a copy of the caller's context."""

    MOST_BYTES = 8 << 20

    def __init__(
        self,
        tasks: Iterable[Task],
        terms: Terms,
        stop: StopFlag,
        initializer: Initializer | None,
    ) -> None:
        super().__init__(tasks, terms, stop, initializer)
        self.exhausted = False
        self._context = _nested_context(terms)
        self._kind: type[LocalBatch] = LocalBatch
        if terms.task_seconds is not None:
            from ..tasks.watched import WatchedBatch

            self._kind = WatchedBatch

    def first_function(self) -> Hashable | None:
        ahead, self._tasks = look_ahead(self._tasks, 1)
        return live_function_key(ahead[0]) if ahead else None

    def look_ahead(self, size: int) -> int:
        ahead, self._tasks = look_ahead(self._tasks, 2)
        if ahead and (nbytes := own_bytes(ahead[0], ahead[-1])):
            size = max(1, min(size, self.MOST_BYTES // nbytes))
        ahead, self._tasks = look_ahead(self._tasks, size)
        return len(ahead)

    def take(self, first_task: int, size: int) -> LocalBatch | None:
        tasks = list(islice(self._tasks, size))
        self.exhausted = len(tasks) < size
        return self.batch_of(first_task, tasks) if tasks else None

    def prepare(self, task: Task, index: int) -> Task:
        return task

    def nbytes_of(self, prepared: Task) -> int:
        return 0  # nothing travels

    def batch_of(self, first_task: int, prepared: list[Task]) -> LocalBatch:
        return self._kind(
            first_task, prepared, self._terms, self._context, self._stop, self._initializer
        )


class _LoopFeeder(_LocalFeeder):
    """Lets the batch itself take each task when the one before has run, as a loop does."""

    _last: LoopBatch | None = None
    _asked = 0

    @property
    def exhausted(self) -> bool:
        """Whether the last batch, which has run, found fewer tasks than it was to take."""
        return self._last is not None and self._last.size < self._asked

    def first_function(self) -> None:
        return None  # a batch costs next to nothing here

    def look_ahead(self, size: int) -> int:
        return 0

    def take(self, first_task: int, size: int) -> LoopBatch:
        self._asked = size
        self._last = LoopBatch(
            first_task, islice(self._tasks, size), self._terms, self._stop, self._initializer
        )
        return self._last


def _nested_context(terms: Terms) -> Context:
    """Return a copy of the context in which calls of Parallel know that they are nested."""
    context = copy_context()
    context.run(nesting.set, terms.level)
    context.run(configuration.set, {})
    context.run(seed_scope.set, None)  # what encloses the call is for the call itself
    return context
