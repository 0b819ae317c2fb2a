"""The worker's side: rebuild the tasks of a batch, run them, encode what came of it.

This is all that a worker needs to import, so it imports next to nothing itself.

A batch may end before its last task: at one that failed, unless the terms say to go on; when it has
taken long enough; or when it is asked to. What ran is the outcome, and the rest is the caller's to
run again.
"""

from __future__ import annotations

import os
from _pickle import dumps as plain_dumps, loads
from itertools import islice
from time import perf_counter
from types import BuiltinFunctionType, FunctionType

from .known_objects import known_objects
from .pickling import ATOMS, NUMBERS, OUT_OF_BAND, PROTOCOL, TaskPickler, atom_bytes, dumps
from .terms import Terms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, TypeAlias

    from .._buffers import Buffer
    from .time_limit import TimeLimit

    Function = Callable[..., object]
    Item: TypeAlias = tuple[Any, ...] | bytes
    """The arguments of a task: as they are, if all are atoms and none has a keyword; else pickled,
    as arguments and keyword arguments."""
    EncodedTasks: TypeAlias = tuple[
        Mapping[bytes, bytes],
        bytes,
        Sequence[bytes],
        Sequence[int] | None,
        Sequence[Item],
        Sequence[int] | None,
        int,
    ]
    """Parts that are new to the worker; the keys of terms and of functions, which function each
    task calls; arguments, how many buffers belong to each; the number of the first task."""
    EncodedFailure: TypeAlias = tuple[int, str, bytes | None, str, str, str | int, int | None]
    """Position, stage, exception, its type and traceback as text, worker, peak memory."""
    EncodedOutcome: TypeAlias = tuple[
        float, Sequence[object], int, Sequence[int] | None, Sequence[EncodedFailure]
    ]
    """Seconds; results, where bytes are pickled ones and the others are as they are, and how many
    bytes they take; how many buffers belong to each; failures."""

__all__ = ["PartCache", "encode_failure", "run_batch", "run_tasks"]

_STATELESS = (FunctionType, BuiltinFunctionType, type, Terms)
_REFERENCE = b"fanfold.sharing"
"""What every pickled reference to shared or mapped memory contains."""


class PartCache:
    """The functions, and the terms of calls, that a worker has been sent, by their key.

    Plain functions and classes are kept rebuilt. Whatever may hold state that a task can change (a
    bound method, a ``functools.partial``, a callable instance) is kept as bytes and rebuilt for
    each batch, so that what one batch does to it is not seen by the next. So is what refers to
    shared or mapped memory, which could not be given back before the function is forgotten.

    A large one, of `LARGE` bytes and more, is rebuilt once for each call where the cache is told of
    calls: a ``functools.partial`` with a list of 2,000,000 numbers takes 50 ms each time, which is
    more than most batches do. Then the tasks of a call that run on one worker share its state, as
    with ``share()``; the next call has it anew, as the caller had it.

    Several threads may use it at once, as the workers of some engines do.

    Whoever sends less than all of them with each batch says when to forget: a cache that did so by
    itself would miss what it was sent once.

    Parameters
    ----------
    told_of_calls : bool, default=False
        Whether `begin_call` is called before the first batch of each call, and calls do not mix.
    """

    LIMIT = 256
    """So many are worth remembering."""
    LARGE = 1 << 20
    """So many pickled bytes take a millisecond and more to rebuild."""

    def __init__(self, *, told_of_calls: bool = False) -> None:
        self._told_of_calls = told_of_calls
        self._data: dict[bytes, bytes] = {}
        self._rebuilt: dict[bytes, Any] = {}
        self._of_call: set[bytes] = set()

    def __len__(self) -> int:
        """How many it remembers."""
        return len(self._data) + len(self._rebuilt)

    def get(self, key: bytes, tasks: EncodedTasks) -> Any:
        """Return what has this key, which came with these or earlier tasks."""
        ready = self._rebuilt.get(key)
        if ready is not None:
            return ready
        # What came along counts first: another thread may just be moving, or clearing, the rest.
        known = tasks[0][key] if key in tasks[0] else self._data[key]
        rebuilt = loads(known)
        if _REFERENCE in known:
            return rebuilt
        if isinstance(rebuilt, _STATELESS):
            self._rebuilt[key] = rebuilt
            self._data.pop(key, None)
        elif self._told_of_calls and len(known) >= self.LARGE:
            self._rebuilt[key] = rebuilt
            self._of_call.add(key)
        return rebuilt

    def learn(self, tasks: EncodedTasks) -> None:
        """Keep the terms and functions that come along with tasks."""
        for key, data in tasks[0].items():
            if key not in self._rebuilt:
                self._data[key] = data

    def terms_of(self, tasks: EncodedTasks) -> Terms:
        """Return the terms of tasks that were learned or run."""
        terms: Terms = self.get(tasks[1], tasks)
        return terms

    def begin_call(self) -> None:
        """Rebuild anew what was kept for one call."""
        for key in self._of_call:
            del self._rebuilt[key]
        self._of_call.clear()

    def clear(self) -> None:
        """Forget all of them."""
        self._data.clear()
        self._of_call.clear()
        self._rebuilt.clear()


def run_batch(payload: bytes, *shared: object) -> bytes:
    """Run the tasks of a batch and return their outcome; what a backend's worker calls.

    It raises nothing that a task raises: exceptions are part of the outcome.

    Parameters
    ----------
    payload : bytes
        :attr:`fanfold.contracts.Batch.payload`.
    *shared : object
        :attr:`fanfold.contracts.Batch.shared`, with the engine's references resolved to the bytes
        that were given to :meth:`fanfold.contracts.Executor.put`.

    Returns
    -------
    bytes
        What the batch's future must be completed with.
    """
    from .travel.holding import holding
    from .travel.reports import Collection, reports

    tasks, buffers, stored, same_host = loads(payload)
    for number, data in zip(stored, shared, strict=True):
        buffers[number] = _stored_buffer(data, buffers[number])
    if len(_parts) > PartCache.LIMIT:
        _parts.clear()  # all that this batch needs comes along
    collection = Collection()
    reports.collect(collection)
    holding.begin_batch()
    try:
        outcome, out_buffers = run_tasks(
            tasks, buffers, _parts, collection.mark, same_host=same_host
        )
    finally:
        holding.end_batch()
        reports.collect(None)
    copies = [bytearray(buffer) for buffer in out_buffers]
    return plain_dumps((outcome, copies, collection.reports), PROTOCOL)


_parts = PartCache()
# What a task made, and nobody holds, is gone before its result is read: they cannot wait for that.
_to_same_host = TaskPickler(same_host=True, can_wait=False)
_to_other_host = TaskPickler(same_host=False, can_wait=False)


def _stored_buffer(data: Any, mode: str) -> Buffer:
    """Return a buffer that the engine kept: as it is if it may only be read, else a copy."""
    return memoryview(data).toreadonly() if mode == "r" else bytearray(data)


def run_tasks(
    tasks: EncodedTasks,
    buffers: Sequence[Buffer],
    known: PartCache,
    mark: Callable[[int, float], bool] | None = None,
    note: Callable[[bytes], bool] | None = None,
    *,
    same_host: bool = True,
) -> tuple[EncodedOutcome, list[memoryview]]:
    """Run encoded tasks in order, as far as the terms allow.

    Parameters
    ----------
    tasks : tuple
        What :class:`fanfold.tasks.batches.EncodedBatch` made of them.
    buffers : sequence of buffers
        The buffers that travel beside the pickle streams, in order.
    known : PartCache
        What came with earlier batches.
    mark : callable, optional
        Told the position of each task before it runs, and the time; false ends the batch there.
    note : callable, optional
        Told each result, pickled, as soon as it is there; up to the first of which it says that it
        has no room for it, which failed, or part of which travels beside its stream.
    same_host : bool, default=True
        Whether who reads the outcome is on this machine.

    Returns
    -------
    tuple
        The encoded outcome, and the buffers that travel beside it.
    """
    if tasks[0]:
        known.learn(tasks)
    run = _Run(tasks, buffers, note, same_host=same_host)
    seconds = 0.0
    try:
        terms = known.terms_of(tasks)
        terms.prepare()
    except Exception as error:  # noqa: BLE001  an initializer may raise anything
        run.fail(0, "terms", error)
    else:
        began = perf_counter()
        terms.run(run.all, terms, known, mark)
        seconds = perf_counter() - began
    outcome = seconds, run.results, run.nbytes, run.result_counts, run.failures
    return outcome, run.out_buffers


class _Run:
    """The state of one batch while it runs."""

    def __init__(
        self,
        tasks: EncodedTasks,
        buffers: Sequence[Buffer],
        note: Callable[[bytes], bool] | None,
        *,
        same_host: bool,
    ) -> None:
        self._tasks = tasks
        _, _, _, self._numbers, self._items, self._counts, self._first_task = tasks
        self._buffers: Iterator[Buffer] = iter(buffers)
        self._same_host = same_host
        self._pickler = _to_same_host if same_host else _to_other_host
        self._goes_on = False
        self._note = note
        self.results: list[object] = []
        self.nbytes = 0
        self.result_counts: list[int] | None = None
        self.out_buffers: list[memoryview] = []
        self.failures: list[EncodedFailure] = []

    def all(
        self, terms: Terms, known: PartCache, mark: Callable[[int, float], bool] | None
    ) -> None:
        """Run the tasks in order, as far as the terms allow."""
        self._goes_on = terms.goes_on
        functions = [self.function(known, key) for key in self._tasks[2]]
        limit = None if terms.task_seconds is None else _time_limit(terms.task_seconds)
        if limit is not None:
            functions = [limit.guard(function) for function in functions]
        generators = None if terms.seed is None else terms.keep_generators()
        numbers = self._numbers
        now = perf_counter()
        last = now + terms.batch_seconds
        for position, item in enumerate(self._items):
            if position:
                now = perf_counter()
                if now > last:
                    break
            if mark is not None and not mark(position, now):
                break
            function = functions[numbers[position] if numbers else 0]
            if terms.seed is not None:
                function = terms.bind(function, self._first_task + position, generators)
            if not self.one(position, item, function):
                break
        if generators is not None:
            generators.put_back()
        if limit is not None:
            limit.close()

    def function(self, known: PartCache, key: bytes) -> Function:
        """Return a function that travelled, or what stands for one that cannot be rebuilt."""
        try:
            function: Function = known.get(key, self._tasks)
        except Exception as error:  # noqa: BLE001  importing the user's module may raise anything
            return _Unbuildable(error)
        return function

    def one(self, position: int, item: Item, function: Function) -> bool:
        """Run one task and keep what comes of it, and tell whether to go on."""
        counts = self._counts
        buffers = tuple(islice(self._buffers, counts[position])) if counts else ()
        try:
            args, kwargs = (item, {}) if isinstance(item, tuple) else loads(item, buffers=buffers)
        except Exception as error:  # noqa: BLE001  rebuilding a user's object may raise anything
            return self.fail(position, "arguments", error)
        try:
            if known_objects.has_handles:
                from .shared_objects import unwrap  # loaded already, where there is a handle

                args, kwargs = unwrap(args, kwargs)
            value = function(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001  a task may raise anything; it is sent back
            if isinstance(error, _NoFunctionError):
                return self.fail(position, "function", error.reason)
            return self.fail(position, "task", error)
        try:
            self._keep(value)
        except Exception as error:  # noqa: BLE001  a user's __reduce__ may raise anything
            from .diagnosis import explain_unpicklable

            text = explain_unpicklable(value, "result")
            return self.fail(position, "result", error, text)
        return True

    def _keep(self, value: object) -> None:
        views: Sequence[memoryview] = ()
        kind = type(value)
        if kind in NUMBERS:  # so simple and so frequent that the rest is passed over
            self.nbytes += 9
            self.results.append(value)
            if self._note is not None and not self._note(plain_dumps(value, PROTOCOL)):
                self._note = None
            if self.result_counts is not None:
                self.result_counts.append(0)
            return
        if kind in (bytes, bytearray) and len(value) >= OUT_OF_BAND:  # type: ignore[arg-type]
            from .byte_strings import wrap  # most tasks return none

            value = wrap(value)
            kind = type(value)
        if kind not in ATOMS:
            value, views, _ = self._pickler.dumps_with_buffers(value)
            self.nbytes += len(value)
        elif kind is bytes:  # bytes that are not pickled are taken for a pickle
            value = plain_dumps(value, PROTOCOL)
            self.nbytes += len(value)
        else:
            self.nbytes += atom_bytes(value)
        if views:
            if self.result_counts is None:
                self.result_counts = [0] * len(self.results)
            self.out_buffers += views
        self.results.append(value)
        if self._note is not None:
            self._take_note(value, views)
        if self.result_counts is not None:
            self.result_counts.append(len(views))

    def _take_note(self, encoded: object, views: Sequence[memoryview]) -> None:
        pickled = encoded if isinstance(encoded, bytes) else plain_dumps(encoded, PROTOCOL)
        if views or self._note is None or not self._note(pickled):
            self._note = None  # what comes after a gap would be taken for what is missing

    def fail(
        self, position: int, stage: str, error: BaseException, text: str | None = None
    ) -> bool:
        """Keep a failure, and tell whether to go on: an exit or an interrupt ends the batch."""
        failure = encode_failure(position, stage, error, text, same_host=self._same_host)
        self.failures.append(failure)
        self._note = None
        return self._goes_on and isinstance(error, Exception)


class _NoFunctionError(Exception):
    """A function cannot be rebuilt here."""

    def __init__(self, reason: Exception) -> None:
        super().__init__()
        self.reason = reason


class _Unbuildable:
    """Stands for a function that cannot be rebuilt here: calling it fails."""

    def __init__(self, reason: Exception) -> None:
        self._reason = reason

    def __call__(self, *args: object, **kwargs: object) -> object:
        raise _NoFunctionError(self._reason)


def _time_limit(seconds: float) -> TimeLimit:
    from .time_limit import TimeLimit  # brings ctypes along

    return TimeLimit(seconds)


def encode_failure(
    position: int, stage: str, error: BaseException, text: str | None = None, *, same_host: bool
) -> EncodedFailure:
    """Return a failure that can travel: with the exception itself if it survives pickling.

    Parameters
    ----------
    position : int
        The position of the task in its batch.
    stage : {'function', 'arguments', 'task', 'result'}
        What was being done.
    error : BaseException
        What went wrong.
    text : str, optional
        What there is to say about it, if that is all that should travel.
    same_host : bool
        Whether who reads it is on this machine.
    """
    from .._memory_use import peak_memory

    encoded: bytes | None = None
    if text is None:
        encoded, text = _travelling(error), _format(error)
    worker = os.getpid() if same_host else _worker_of_host()
    return position, stage, encoded, type(error).__qualname__, text, worker, peak_memory()


def _worker_of_host() -> str:
    from socket import gethostname

    return f"{gethostname()}:{os.getpid()}"


def _travelling(error: BaseException) -> bytes | None:
    try:
        encoded = dumps(error)
        loads(encoded)
    except Exception:  # noqa: BLE001  then it travels as text
        return None
    return encoded


def _format(error: BaseException) -> str:
    import traceback

    frames = error.__traceback__.tb_next if error.__traceback__ is not None else None
    return "".join(traceback.format_exception(type(error), error, frames))
