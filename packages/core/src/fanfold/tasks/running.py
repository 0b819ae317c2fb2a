"""The worker's side: rebuild the tasks of a batch, run them, encode what came of it.

This is all that a worker needs to import, so it imports next to nothing itself.

An outcome stops at the first task that failed: what ran before it is kept, what follows is not run.
"""

from __future__ import annotations

from _pickle import dumps as plain_dumps, loads
from time import perf_counter
from types import BuiltinFunctionType, FunctionType

from .known_objects import known_objects
from .pickling import PROTOCOL, TaskPickler, are_atoms, dumps
from .terms import Terms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, TypeAlias

    from .._buffers import Buffer

    Function = Callable[..., object]
    EncodedPart: TypeAlias = tuple[bytes, bytes | None]
    EncodedTasks: TypeAlias = tuple[
        EncodedPart,
        Sequence[EncodedPart],
        Sequence[int] | None,
        Sequence[bytes],
        Sequence[int] | None,
        int,
    ]
    EncodedFailure: TypeAlias = tuple[int, str, bytes | None, str, str]
    EncodedOutcome: TypeAlias = tuple[
        float, Sequence[bytes], Sequence[int] | None, EncodedFailure | None
    ]

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

    Several threads may use it at once, as the workers of some engines do.

    Whoever sends less than all of them with each batch says when to forget: a cache that did so by
    itself would miss what it was sent once.
    """

    LIMIT = 256
    """So many are worth remembering."""

    def __init__(self) -> None:
        self._data: dict[bytes, bytes] = {}
        self._rebuilt: dict[bytes, Any] = {}

    def __len__(self) -> int:
        """How many it remembers."""
        return len(self._data) + len(self._rebuilt)

    def get(self, key: bytes, data: bytes | None) -> Any:
        """Return what has this key, which was learned with these or earlier tasks."""
        ready = self._rebuilt.get(key)
        if ready is not None:
            return ready
        known = self._data[key] if data is None else data
        rebuilt = loads(known)
        if isinstance(rebuilt, _STATELESS) and _REFERENCE not in known:
            self._rebuilt[key] = rebuilt
            self._data.pop(key, None)
        return rebuilt

    def learn(self, tasks: EncodedTasks) -> None:
        """Keep the terms and functions that come along with tasks."""
        for key, data in (tasks[0], *tasks[1]):
            if data is not None and key not in self._rebuilt:
                self._data[key] = data

    def terms_of(self, tasks: EncodedTasks) -> Terms:
        """Return the terms of tasks that were learned or run."""
        terms: Terms = self.get(*tasks[0])
        return terms

    def clear(self) -> None:
        """Forget all of them."""
        self._data.clear()
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
    tasks, buffers, stored, same_host = loads(payload)
    for number, data in zip(stored, shared, strict=True):
        buffers[number] = _stored_buffer(data, buffers[number])
    if len(_parts) > PartCache.LIMIT:
        _parts.clear()  # all that this batch needs comes along
    outcome, out_buffers = run_tasks(tasks, buffers, _parts, same_host=same_host)
    copies = [bytearray(buffer) for buffer in out_buffers]
    return plain_dumps((outcome, copies), PROTOCOL)


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
    mark: Callable[[int], object] | None = None,
    *,
    same_host: bool = True,
) -> tuple[EncodedOutcome, list[memoryview]]:
    """Run encoded tasks in order, up to the first that fails.

    Parameters
    ----------
    tasks : tuple
        The terms, the functions, which of them each task calls, the pickled arguments, how many
        buffers belong to each, and the number of the first task in its call.
    buffers : sequence of buffers
        The buffers that travel beside the pickle streams, in order.
    known : PartCache
        What came with earlier batches.
    mark : callable, optional
        Told the position of each task but the first before it runs.
    same_host : bool, default=True
        Whether who reads the outcome is on this machine.

    Returns
    -------
    tuple
        The encoded outcome, and the buffers that travel beside it.
    """
    _, encoded_functions, numbers, items, counts, first_task = tasks
    known.learn(tasks)
    terms = known.terms_of(tasks)
    token = terms.begin()
    generators = terms.keep_generators()
    run = _Run(counts, buffers, same_host=same_host)
    began = perf_counter()
    try:
        functions = [known.get(key, data) for key, data in encoded_functions]
    except Exception as error:  # noqa: BLE001  importing the user's module may raise anything
        run.failure = encode_failure(0, "function", error)
    else:
        for position, item in enumerate(items):
            if mark is not None and position:
                mark(position)
            function = functions[numbers[position] if numbers else 0]
            if terms.seed is not None:
                function = terms.bind(function, first_task + position, generators)
            if not run.one(position, item, function):
                break
    seconds = perf_counter() - began
    if generators is not None:
        generators.put_back()
    terms.end(token)
    outcome = (seconds, run.results, run.result_counts, run.failure)
    return outcome, run.out_buffers


class _Run:
    """The state of one batch while it runs."""

    def __init__(
        self, counts: Sequence[int] | None, buffers: Sequence[Buffer], *, same_host: bool
    ) -> None:
        self._counts = counts
        self._buffers: Iterator[Buffer] = iter(buffers)
        self._pickler = _to_same_host if same_host else _to_other_host
        self.results: list[bytes] = []
        self.result_counts: list[int] | None = None
        self.out_buffers: list[memoryview] = []
        self.failure: EncodedFailure | None = None

    def one(self, position: int, item: bytes, function: Function) -> bool:
        """Run one task and keep its result; False if it failed."""
        try:
            args, kwargs = loads(item, buffers=self._buffers if self._counts else ())
        except Exception as error:  # noqa: BLE001  rebuilding a user's object may raise anything
            self.failure = encode_failure(position, "arguments", error)
            return False
        try:
            if known_objects.has_handles:
                from .shared_objects import unwrap  # loaded already, where there is a handle

                args, kwargs = unwrap(args, kwargs)
            value = function(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001  a task may raise anything; it is sent back
            self.failure = encode_failure(position, "task", error)
            return False
        try:
            self._keep(position, value)
        except Exception as error:  # noqa: BLE001  a user's __reduce__ may raise anything
            from .diagnosis import explain_unpicklable

            text = explain_unpicklable(value, "result")
            self.failure = (position, "result", None, type(error).__name__, text)
            return False
        return True

    def _keep(self, position: int, value: object) -> None:
        views: list[memoryview] = []
        if are_atoms((value,)):
            encoded = plain_dumps(value, PROTOCOL)
        else:
            encoded, views, _ = self._pickler.dumps_with_buffers(value)
        self.results.append(encoded)
        if views:
            if self.result_counts is None:
                self.result_counts = [0] * position
            self.out_buffers += views
        if self.result_counts is not None:
            self.result_counts.append(len(views))


def encode_failure(position: int, stage: str, error: BaseException) -> EncodedFailure:
    """Return a failure that can travel: with the exception itself if it survives pickling."""
    import traceback

    frames = error.__traceback__.tb_next if error.__traceback__ is not None else None
    text = "".join(traceback.format_exception(type(error), error, frames))
    encoded: bytes | None
    try:
        encoded = dumps(error)
        loads(encoded)
    except Exception:  # noqa: BLE001  then it travels as text
        encoded = None
    return position, stage, encoded, type(error).__qualname__, text
