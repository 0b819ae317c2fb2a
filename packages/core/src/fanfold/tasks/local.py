"""Local batches: live tasks, for backends that share the caller's memory."""

from __future__ import annotations

from sys import getsizeof
from time import perf_counter

from ..contracts.backend import Batch
from ..errors import UnpicklableTaskError
from .known_objects import known_objects
from .naming import describe_call, function_name, not_a_task
from .outcomes import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextvars import Context

    from .naming import Task
    from .terms import Terms

__all__ = ["LocalBatch"]


class LocalBatch(Batch):
    """A batch for a backend that shares memory: the live tasks.

    Parameters
    ----------
    first_task : int
        The number of its first task.
    tasks : iterable
        The tasks. An iterator is advanced between them, as in a loop.
    size : int or None
        How many tasks they are; None counts them as they are taken.
    context : contextvars.Context or None
        Where to run; None runs in the caller's.
    stopped : callable
        Asked before each task; true drops the rest.
    terms : Terms
        The terms on which the tasks run. What they say of nesting is for `context` to hold.
    """

    nbytes = 0
    """Nothing travels."""

    def __init__(
        self,
        first_task: int,
        tasks: Iterable[Task],
        size: int | None,
        context: Context | None,
        stopped: Callable[[], bool],
        terms: Terms,
    ) -> None:
        self.first_task = first_task
        self._size = size
        self._tasks = tasks
        self._context = context
        self._stopped = stopped
        self._terms = terms
        self._taken = 0
        self._current: Task | None = None

    @property
    def size(self) -> int:
        """How many tasks it holds, or how many it has taken where that is not known before."""
        return self._taken if self._size is None else self._size

    @property
    def label(self) -> str:
        """The name of the function that runs, or ran last."""
        return function_name(self._current[0]) if self._current else "?"

    @property
    def payload(self) -> bytes:
        """Refused: these tasks are live objects."""
        raise UnpicklableTaskError(
            "this batch holds live objects, because the backend declares shares_memory; call "
            "Batch.run instead of sending Batch.payload"
        )

    def run(self) -> Outcome:
        """Run the tasks and return their outcome."""
        if self._context is None:
            return self._run()
        return self._context.copy().run(self._run)

    def _run(self) -> Outcome:
        results: list[object] = []
        stopped, terms = self._stopped, self._terms
        is_seeded = terms.seed is not None
        failure: BaseException | None = None
        began = perf_counter()
        for task in self._tasks:
            if stopped():
                break
            self._taken += 1
            self._current = task
            try:
                function, args, kwargs = task
            except (TypeError, ValueError) as error:
                raise not_a_task(task, self.first_task + len(results)) from error
            if known_objects.has_handles:
                from .shared_objects import unwrap  # loaded already, where there is a handle

                args, kwargs = unwrap(args, kwargs)
            if is_seeded:
                function = terms.bind(function, self.first_task + len(results))
            try:
                results.append(function(*args, **kwargs))
            except Exception as error:  # noqa: BLE001  a task may raise anything
                failure = error
                failure.add_note(f"raised by {self.describe(len(results))}")
                break
        seconds = perf_counter() - began
        # The last result stands for all: this is only to keep batches small.
        nbytes = getsizeof(results[-1], 0) * len(results) if results else 0
        return Outcome(results, failure, seconds, nbytes)

    def describe(self, position: int) -> str:
        """Return a text that names the task at a position, in full for the one that runs."""
        text = f"task {self.first_task + position}"
        return f"{text}: {describe_call(*self._current)}" if self._current else text

    def decode(self, completed: object) -> Outcome:
        """Return the outcome, which is what the batch's future was completed with."""
        assert isinstance(completed, Outcome)
        return completed
