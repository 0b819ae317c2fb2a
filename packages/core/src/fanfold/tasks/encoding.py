"""The caller's side: tasks become batches that a backend can run or carry.

A task is encoded when it is taken from the user's iterator, so it arrives as it was at that moment,
even if the iterator changes an array between two tasks.
"""

from __future__ import annotations

from _pickle import dumps as plain_dumps, loads
from time import perf_counter

from ..contracts.backend import Batch
from ..errors import UnpicklableTaskError
from .naming import describe_call, function_name
from .outcomes import Outcome, decode_outcome
from .pickling import PROTOCOL, dumps, dumps_with_buffers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextvars import Context
    from typing import Any

    Function = Callable[..., object]
    Task = tuple[Function, tuple[object, ...], dict[str, object]]

__all__ = ["EncodedBatch", "EncodedFunction", "LocalBatch", "TaskEncoder"]

_LONG_FUNCTION = 1024


class EncodedFunction:
    """A pickled function and the key under which workers remember it.

    Attributes
    ----------
    key : bytes
        The pickled function itself where it is short, else its digest.
    data : bytes
        The pickled function.
    """

    __slots__ = ("data", "key")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.key = data
        if len(data) > _LONG_FUNCTION:
            from xxhash import xxh3_128_digest

            self.key = xxh3_128_digest(data)


class EncodedBatch(Batch):
    """A batch for a backend that does not share memory.

    Attributes
    ----------
    level : tuple
        The nesting in which the tasks run.
    functions : list of EncodedFunction
        What the tasks call.
    items : list of bytes
        Each task, pickled: the number of its function, its arguments and keyword arguments.
    counts : list of int or None
        How many of `buffers` belong to each task; None where there are none at all.
    buffers : list of bytearray
        Copies of the large buffers in arguments.
    """

    def __init__(self, first_task: int, level: tuple[int, str | None]) -> None:
        self.first_task = first_task
        self.level = level
        self.functions: list[EncodedFunction] = []
        self.items: list[bytes] = []
        self.counts: list[int] | None = None
        self.buffers: list[bytearray] = []
        self._numbers: dict[bytes, int] = {}
        self.nbytes = 0

    @property
    def size(self) -> int:
        """How many tasks it holds."""
        return len(self.items)

    @property
    def label(self) -> str:
        """The name of the first task's function."""
        return function_name(loads(self.functions[0].data))

    @property
    def payload(self) -> bytes:
        """The batch as bytes, for ``fanfold.run_batch`` on a worker."""
        functions = [(function.key, function.data) for function in self.functions]
        tasks = (self.level, functions, self.items, self.counts)
        return plain_dumps((tasks, self.buffers, ()), PROTOCOL)

    def run(self) -> object:
        """Run the tasks here, encoded as they are."""
        from .running import run_batch

        return run_batch(self.payload)

    def add(self, function: EncodedFunction, args: object, kwargs: object) -> None:
        """Add one task, with a copy of its arguments as they are now."""
        number = self._numbers.get(function.key)
        if number is None:
            number = self._numbers[function.key] = len(self.functions)
            self.functions.append(function)
        item, views = dumps_with_buffers((number, args, kwargs))
        if views:
            if self.counts is None:
                self.counts = [0] * len(self.items)
            copies = [bytearray(view) for view in views]
            self.nbytes += sum(map(len, copies))
            self.buffers += copies
        if self.counts is not None:
            self.counts.append(len(views))
        self.items.append(item)
        self.nbytes += len(item)

    def describe(self, position: int) -> str:
        """Return a text that names the task at a position: its number, function and arguments."""
        index = self.first_task + position
        try:
            buffers = self._buffers_of(position)
            number, args, kwargs = loads(self.items[position], buffers=buffers)
            function = loads(self.functions[number].data)
        except Exception:  # noqa: BLE001  a name is not worth an error of its own
            return f"task {index}"
        return f"task {index}: {describe_call(function, args, kwargs)}"

    def _buffers_of(self, position: int) -> list[bytearray]:
        if self.counts is None:
            return []
        start = sum(self.counts[:position])
        return self.buffers[start : start + self.counts[position]]

    def decode(self, completed: Any) -> Outcome:
        """Return the outcome from what the batch's future was completed with."""
        outcome, buffers = completed if isinstance(completed, tuple) else loads(completed)
        return decode_outcome(outcome, buffers, self.describe)


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
    ) -> None:
        self.first_task = first_task
        self._size = size
        self._tasks = tasks
        self._context = context
        self._stopped = stopped
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
        stopped = self._stopped
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
            try:
                results.append(function(*args, **kwargs))
            except Exception as error:  # noqa: BLE001  a task may raise anything
                failure = error
                failure.add_note(f"raised by {self.describe(len(results))}")
                break
        return Outcome(results, failure, perf_counter() - began)

    def describe(self, position: int) -> str:
        """Return a text that names the task at a position, in full for the one that runs."""
        text = f"task {self.first_task + position}"
        return f"{text}: {describe_call(*self._current)}" if self._current else text

    def decode(self, completed: object) -> Outcome:
        """Return the outcome, which is what the batch's future was completed with."""
        assert isinstance(completed, Outcome)
        return completed


class TaskEncoder:
    """Encodes the tasks of one call.

    A function is pickled once for the call, by identity; whoever changes a function object between
    two tasks should make a new one.
    """

    REMEMBERED = 16

    def __init__(self, level: tuple[int, str | None]) -> None:
        self._level = level
        self._encoded: dict[int, tuple[Function, EncodedFunction]] = {}

    def batch(self, first_task: int) -> EncodedBatch:
        """Return an empty batch that begins with this task."""
        return EncodedBatch(first_task, self._level)

    def add(self, batch: EncodedBatch, task: Task) -> None:
        """Encode a task at the end of a batch.

        Raises
        ------
        fanfold.errors.UnpicklableTaskError
            If it cannot be pickled; the message names the part at fault.
        """
        try:
            function, args, kwargs = task
        except (TypeError, ValueError) as error:
            raise not_a_task(task, batch.first_task + batch.size) from error
        known = self._encoded.get(id(function))
        encoded = known[1] if known is not None else self._encode(batch, task)
        try:
            batch.add(encoded, args, kwargs)
        except Exception as error:
            raise _unpicklable(batch, task) from error

    def _encode(self, batch: EncodedBatch, task: Task) -> EncodedFunction:
        try:
            encoded = EncodedFunction(dumps(task[0]))
        except Exception as error:
            raise _unpicklable(batch, task) from error
        # Bound methods are made anew for each task: remembering them all would fill the memory.
        if len(self._encoded) >= self.REMEMBERED:
            self._encoded.clear()
        self._encoded[id(task[0])] = task[0], encoded
        return encoded


def not_a_task(task: object, index: int) -> TypeError:
    """Return the error for something that is not a task."""
    return TypeError(
        f"task {index} is {task!r}, of type {type(task).__name__}: expected what "
        "delayed(function)(argument, …) returns"
    )


def _unpicklable(batch: EncodedBatch, task: Task) -> UnpicklableTaskError:
    from .diagnosis import find_unpicklable

    function, args, kwargs = task
    name = function_name(function)
    found = (
        find_unpicklable(function, name)
        or find_unpicklable(args, "args")
        or find_unpicklable(kwargs, "kwargs")
    )
    where = (
        f"{found[0]}, of type {type(found[1]).__name__!r}, cannot be pickled ({found[2]})"
        if found
        else "it cannot be pickled"
    )
    return UnpicklableTaskError(
        f"task {batch.first_task + batch.size} ({name}) cannot be sent to a worker: {where}. "
        "Create it inside the task, pass something that can be pickled instead, or run where "
        "nothing is sent: backend='threads'"
    )
