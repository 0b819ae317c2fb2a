"""The caller's side: tasks become batches that a backend can run or carry.

A task is encoded when it is taken from the user's iterator, so it arrives as it was at that moment,
even if the iterator changes an array between two tasks.
"""

from __future__ import annotations

from _pickle import dumps as plain_dumps, loads
from sys import getsizeof
from time import perf_counter

from ..contracts.backend import Batch
from ..errors import UnpicklableTaskError
from .naming import describe_call, function_name
from .outcomes import Outcome, decode_outcome
from .pickling import PROTOCOL, TaskPickler, are_atoms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextvars import Context
    from typing import Any

    Function = Callable[..., object]
    Task = tuple[Function, tuple[object, ...], dict[str, object]]

__all__ = ["EncodedBatch", "EncodedFunction", "EncodedTask", "LocalBatch", "TaskEncoder"]

_LONG_FUNCTION = 1024


class EncodedFunction:
    """A pickled function and the key under which workers remember it.

    Attributes
    ----------
    key : bytes
        The pickled function itself where it is short, else its digest.
    data : bytes
        The pickled function.
    name : str
        What to call it.
    pins : sequence
        The memory that it refers to, kept alive for as long as it may be sent.
    """

    __slots__ = ("data", "key", "name", "pins")

    def __init__(self, data: bytes, name: str, pins: Sequence[object]) -> None:
        self.data = data
        self.key = data
        self.name = name
        self.pins = pins
        if len(data) > _LONG_FUNCTION:
            from xxhash import xxh3_128_digest

            self.key = xxh3_128_digest(data)


class EncodedTask:
    """A task as it was when it was taken from the user's iterator.

    Attributes
    ----------
    function : EncodedFunction
        What it calls.
    item : bytes
        Its arguments, pickled.
    buffers : list of bytearray
        Copies of the large buffers in its arguments.
    pins : sequence
        The memory that its arguments refer to, kept alive until it is done.
    nbytes : int
        What it takes on the way, without its function.
    """

    __slots__ = ("buffers", "function", "item", "nbytes", "pins")

    def __init__(
        self,
        function: EncodedFunction,
        item: bytes,
        buffers: Sequence[bytearray] = (),
        pins: Sequence[object] = (),
    ) -> None:
        self.function = function
        self.item = item
        self.buffers = buffers
        self.pins = pins
        self.nbytes = len(item) + sum(map(len, buffers))


class EncodedBatch(Batch):
    """A batch for a backend that does not share memory.

    Attributes
    ----------
    level : tuple
        The nesting in which the tasks run.
    functions : list of EncodedFunction
        What the tasks call.
    items : list of bytes
        Each task, pickled: its arguments and keyword arguments.
    numbers : list of int or None
        Which of `functions` each task calls; None where there is one.
    counts : list of int or None
        How many of `buffers` belong to each task; None where there are none at all.
    buffers : list of bytearray
        Copies of the large buffers in arguments.
    pins : list
        The memory that arguments refer to, kept alive until the batch is done.
    same_host : bool
        Whether it is for workers on this machine.
    lost_workers : int
        How many workers ended after they were sent the batch and before they began it.
    """

    def __init__(self, first_task: int, level: tuple[int, str | None], *, same_host: bool) -> None:
        self.first_task = first_task
        self.level = level
        self.same_host = same_host
        self.functions: list[EncodedFunction] = []
        self.items: list[bytes] = []
        self.numbers: list[int] | None = None
        self.counts: list[int] | None = None
        self.buffers: list[bytearray] = []
        self.pins: list[object] = []
        self.lost_workers = 0
        self._numbers: dict[bytes, int] = {}
        self.nbytes = 0

    @property
    def size(self) -> int:
        """How many tasks it holds."""
        return len(self.items)

    @property
    def label(self) -> str:
        """The name of the first task's function."""
        return self.functions[0].name

    @property
    def payload(self) -> bytes:
        """The batch as bytes, for ``fanfold.run_batch`` on a worker."""
        functions = [(function.key, function.data) for function in self.functions]
        tasks = (self.level, functions, self.numbers, self.items, self.counts)
        return plain_dumps((tasks, self.buffers, (), self.same_host), PROTOCOL)

    def run(self) -> object:
        """Run the tasks here, encoded as they are."""
        from .running import run_batch

        return run_batch(self.payload)

    def add(self, task: EncodedTask) -> None:
        """Add a task at the end."""
        number = self._numbers.get(task.function.key)
        if number is None:
            number = self._numbers[task.function.key] = len(self.functions)
            self.functions.append(task.function)
            if number == 1:
                self.numbers = [0] * len(self.items)
        if self.numbers is not None:
            self.numbers.append(number)
        if task.buffers and self.counts is None:
            self.counts = [0] * len(self.items)
        if self.counts is not None:
            self.counts.append(len(task.buffers))
            self.buffers += task.buffers
        self.pins += task.pins
        self.items.append(task.item)
        self.nbytes += task.nbytes

    def describe(self, position: int) -> str:
        """Return a text that names the task at a position: its number, function and arguments."""
        index = self.first_task + position
        try:
            args, kwargs = loads(self.items[position], buffers=self._buffers_of(position))
            function = loads(self.functions[self.numbers[position] if self.numbers else 0].data)
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


class TaskEncoder:
    """Encodes the tasks of one call.

    A function is pickled once for the call, by identity; whoever changes a function object between
    two tasks should make a new one.

    Parameters
    ----------
    level : tuple
        The nesting in which the tasks run.
    same_host : bool
        Whether the workers are on this machine.
    """

    REMEMBERED = 16

    def __init__(self, level: tuple[int, str | None], *, same_host: bool) -> None:
        self._level = level
        self._same_host = same_host
        self._pickler = TaskPickler(same_host=same_host, can_wait=True)
        self._functions: dict[int, tuple[Function, EncodedFunction]] = {}

    def batch(self, first_task: int) -> EncodedBatch:
        """Return an empty batch that begins with this task."""
        return EncodedBatch(first_task, self._level, same_host=self._same_host)

    def encode(self, task: Task, index: int) -> EncodedTask:
        """Encode a task, the one with this number in its call.

        Raises
        ------
        fanfold.errors.UnpicklableTaskError
            If it cannot be pickled; the message names the part at fault.
        """
        try:
            function, args, kwargs = task
        except (TypeError, ValueError) as error:
            raise not_a_task(task, index) from error
        known = self._functions.get(id(function))
        try:
            encoded = known[1] if known is not None else self._encode_function(function)
            if not kwargs and are_atoms(args):
                return EncodedTask(encoded, plain_dumps((args, kwargs), PROTOCOL))
            item, views, pins = self._pickler.dumps_with_buffers((args, kwargs))
        except Exception as error:
            raise _unpicklable(task, index) from error
        return EncodedTask(encoded, item, [bytearray(view) for view in views], pins)

    def _encode_function(self, function: Function) -> EncodedFunction:
        data, pins = self._pickler.dumps(function)
        encoded = EncodedFunction(data, function_name(function), pins)
        # Bound methods are made anew for each task: remembering them all would fill the memory.
        if len(self._functions) >= self.REMEMBERED:
            self._functions.clear()
        self._functions[id(function)] = function, encoded
        return encoded


def not_a_task(task: object, index: int) -> TypeError:
    """Return the error for something that is not a task."""
    return TypeError(
        f"task {index} is {task!r}, of type {type(task).__name__}: expected what "
        "delayed(function)(argument, …) returns"
    )


def _unpicklable(task: Task, index: int) -> UnpicklableTaskError:
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
        f"task {index} ({name}) cannot be sent to a worker: {where}. "
        "Create it inside the task, pass something that can be pickled instead, or run where "
        "nothing is sent: backend='threads'"
    )
