"""Local batches: live tasks, for backends that share the caller's memory."""

from __future__ import annotations

from sys import getsizeof
from time import perf_counter

from ..contracts.backend import Batch
from ..errors import UnpicklableTaskError
from .known_objects import known_objects
from .naming import describe_arguments, describe_call, function_name, not_a_task
from .outcomes import FailedTask, Outcome
from .terms import FOREVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextvars import Context

    from .naming import Task
    from .terms import Terms
    from .travel.initializers import Initializer

__all__ = ["LocalBatch", "LoopBatch", "StopFlag", "own_bytes"]


class StopFlag:
    """Goes up once, when a call has ended: nobody waits for it, many look at it.

    A :class:`threading.Event` takes 50 ns to look at, for each task.
    """

    __slots__ = ("is_up",)

    def __init__(self) -> None:
        self.is_up = False


def own_bytes(first: Task, last: Task) -> int:
    """Return how much memory the arguments of a task take that another was not given too, about.

    Tasks that share memory are often all given the same large object, which no task adds to.
    """
    try:
        _, args, kwargs = first
        shared = {id(arg) for arg in (*args, *kwargs.values())}
        _, args, kwargs = last
        own = [arg for arg in (*args, *kwargs.values()) if id(arg) not in shared]
        return sum([getsizeof(arg, 0) for arg in own])
    except (AttributeError, TypeError, ValueError):
        return 0  # one of them is no task, which is for whoever runs it to say


class LocalBatch(Batch):
    """A batch for a backend that shares memory: the live tasks.

    Parameters
    ----------
    first_task : int
        The number of its first task.
    tasks : sequence
        The tasks.
    terms : Terms
        The terms on which they run.
    context : contextvars.Context or None
        Where to run; None runs in the caller's.
    stop : StopFlag
        Looked at before each task; when it is up, the rest is dropped.
    initializer : Initializer or None, default=None
        What the thread that runs it must have run before.
    """

    nbytes = 0
    """Nothing travels."""

    def __init__(
        self,
        first_task: int,
        tasks: Sequence[Task],
        terms: Terms,
        context: Context | None,
        stop: StopFlag,
        initializer: Initializer | None,
    ) -> None:
        self.first_task = first_task
        self._tasks = tasks
        self._terms = terms
        self._context = context
        self._stop = stop
        self._initializer = initializer

    @property
    def size(self) -> int:
        """How many tasks it holds."""
        return len(self._tasks)

    @property
    def label(self) -> str:
        """The name of the first task's function."""
        return function_name(self._task(0)[0])

    @property
    def payload(self) -> bytes:
        """Refused: these tasks are live objects."""
        raise UnpicklableTaskError(
            "this batch holds live objects, because the backend declares shares_memory; call "
            "Batch.run instead of sending Batch.payload"
        )

    def run(self) -> Outcome:
        """Run the tasks and return their outcome.

        Raises
        ------
        fanfold.errors.InitializerError
            If the initializer fails.
        """
        if self._initializer is not None:
            self._initializer.initialize_thread()
        if self._context is None:
            return self._run()
        return self._context.copy().run(self._run)

    def _run(self) -> Outcome:
        outcome = self._run_each(self._tasks, self._terms.batch_seconds)
        if outcome.ran > 1:
            of_one = own_bytes(self._tasks[0], self._tasks[outcome.ran - 1])
            outcome.nbytes = max(outcome.nbytes, of_one * outcome.ran)
        return outcome

    def _run_each(self, tasks: Iterable[Task], most_seconds: float) -> Outcome:
        # Each line in the loop counts: without those, a task takes 0.1 µs.
        results: list[object] = []
        failures: list[FailedTask] = []
        stop, terms = self._stop, self._terms
        goes_on, is_seeded = terms.goes_on, terms.seed is not None
        is_limited = most_seconds < FOREVER
        began = perf_counter()
        last = began + most_seconds
        for task in tasks:
            if stop.is_up:
                break
            try:
                function, args, kwargs = task
            except (TypeError, ValueError) as error:
                position = len(results) + len(failures)
                raise not_a_task(task, self.first_task + position) from error
            if known_objects.has_handles:  # by now: a task may have made the first
                from .shared_objects import unwrap  # loaded already, where there is a handle

                args, kwargs = unwrap(args, kwargs)
            if is_seeded:
                function = terms.bind(function, self.first_task + len(results) + len(failures))
            try:
                results.append(function(*args, **kwargs))
            except Exception as error:  # noqa: BLE001  a task may raise anything
                failures.append(self._failed(len(results) + len(failures), task, error))
                if not goes_on:
                    break
            if is_limited and perf_counter() > last:
                break
        seconds = perf_counter() - began
        # The last result stands for all: this is only to keep batches small.
        nbytes = getsizeof(results[-1], 0) * len(results) if results else 0
        return Outcome(results, failures, seconds, nbytes)

    def _failed(self, position: int, task: Task, error: Exception) -> FailedTask:
        from threading import current_thread

        from .._memory_use import peak_memory

        error.add_note(f"raised by task {self.first_task + position}: {describe_call(*task)}")
        return FailedTask(position, error, None, current_thread().name, peak_memory())

    def describe(self, position: int) -> str:
        """Return a text that names the task at a position: its number, function and arguments."""
        return f"task {self.first_task + position}: {describe_call(*self._task(position))}"

    def spell(self, position: int) -> tuple[str, str]:
        """Return the name of a task's function, and its arguments, shortened."""
        function, args, kwargs = self._task(position)
        return function_name(function), describe_arguments(args, kwargs)

    def cut(self, start: int, stop: int) -> LocalBatch:
        """Return the tasks at these positions as a batch."""
        tasks = self._tasks[start:stop]
        return type(self)(
            self.first_task + start,
            tasks,
            self._terms,
            self._context,
            self._stop,
            self._initializer,
        )

    def decode(self, completed: object) -> Outcome:
        """Return the outcome, which is what the batch's future was completed with."""
        assert isinstance(completed, Outcome)
        return completed

    def _task(self, position: int) -> Task:
        return self._tasks[position]


class LoopBatch(LocalBatch):
    """Tasks that are taken from an iterator one by one, as in a loop.

    It runs in the caller's context, for as long as there are tasks, and keeps those that failed.

    Parameters
    ----------
    first_task : int
        The number of its first task.
    tasks : iterator
        The tasks.
    terms : Terms
        The terms on which they run.
    stop : StopFlag
        Looked at before each task; when it is up, the rest is dropped.
    initializer : Initializer or None
        What its thread must have called.
    """

    def __init__(
        self,
        first_task: int,
        tasks: Iterable[Task],
        terms: Terms,
        stop: StopFlag,
        initializer: Initializer | None,
    ) -> None:
        super().__init__(first_task, (), terms, None, stop, initializer)
        self._iterator = tasks
        self._ran = 0
        self._failed_tasks: dict[int, Task] = {}

    @property
    def size(self) -> int:
        """How many tasks have run."""
        return self._ran

    @property
    def label(self) -> str:
        """Nothing to name: no task is known before it runs."""
        return "loop"

    def cut(self, start: int, stop: int) -> LocalBatch:
        """Return the failed tasks at these positions as a batch."""
        tasks = [self._failed_tasks[position] for position in range(start, stop)]
        return LocalBatch(
            self.first_task + start, tasks, self._terms, None, self._stop, self._initializer
        )

    def _run(self) -> Outcome:
        outcome = self._run_each(self._iterator, FOREVER)
        self._ran = outcome.ran
        return outcome

    def _failed(self, position: int, task: Task, error: Exception) -> FailedTask:
        self._failed_tasks[position] = task
        return super()._failed(position, task, error)

    def _task(self, position: int) -> Task:
        return self._failed_tasks[position]
