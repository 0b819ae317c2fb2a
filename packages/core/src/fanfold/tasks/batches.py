"""Encoded batches: what travels to workers that do not share the caller's memory."""

from __future__ import annotations

from _pickle import dumps as plain_dumps, loads

from ..contracts.backend import Batch
from .naming import describe_arguments, describe_call
from .outcomes import Outcome, decode_outcome
from .pickling import PROTOCOL
from .storing import StoredBuffer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from .running import EncodedTasks, Item
    from .storing import Piece
    from .travel.reports import Report

__all__ = ["EncodedBatch", "EncodedPart", "EncodedTask"]

_LONG = 1024


class EncodedPart:
    """A pickled function, or the pickled terms of a call, and the key that workers know it by.

    Attributes
    ----------
    key : bytes
        The pickled form itself where it is short, else its digest.
    data : bytes
        The pickled form.
    name : str
        What to call it.
    pins : sequence
        The memory that it refers to, kept alive for as long as it may be sent.
    """

    __slots__ = ("data", "key", "name", "pins")

    def __init__(self, data: bytes, name: str, pins: Sequence[object] = ()) -> None:
        self.data = data
        self.key = data
        self.name = name
        self.pins = pins
        if len(data) > _LONG:
            from xxhash import xxh3_128_digest

            self.key = xxh3_128_digest(data)


class EncodedTask:
    """A task as it was when it was taken from the user's iterator.

    Attributes
    ----------
    function : EncodedPart
        What it calls.
    item : tuple or bytes
        Its arguments: as they are, if all are atoms and none has a keyword; else pickled, as
        arguments and keyword arguments.
    buffers : list of bytearray or StoredBuffer
        Copies of the large buffers in its arguments, or what stands for them.
    pins : sequence
        The memory that its arguments refer to, kept alive until it is done.
    nbytes : int
        What it takes on the way, without its function and without what is kept for other tasks too.
    """

    __slots__ = ("buffers", "function", "item", "nbytes", "pins")

    def __init__(
        self,
        function: EncodedPart,
        item: Item,
        nbytes: int,
        pins: Sequence[object] = (),
    ) -> None:
        self.function = function
        self.item = item
        self.buffers: Sequence[Piece] = ()
        self.pins = pins
        self.nbytes = nbytes

    def add(self, buffer: Piece, nbytes: int) -> None:
        """Add a large buffer, for which so many bytes were copied."""
        self.buffers = [*self.buffers, buffer]
        self.nbytes += nbytes


class EncodedBatch(Batch):
    """A batch for a backend that does not share memory.

    Attributes
    ----------
    terms : EncodedPart
        The terms on which the tasks run.
    functions : list of EncodedPart
        What the tasks call.
    function_keys : list of bytes
        The keys of these.
    items : list of tuple or bytes
        The arguments of each task.
    size : int
        How many tasks it holds.
    numbers : list of int or None
        Which of `functions` each task calls; None where there is one.
    counts : list of int or None
        How many of `buffers` belong to each task; None where there are none at all.
    buffers : list of bytearray or StoredBuffer
        Copies of the large buffers in arguments, or what stands for them.
    pins : list
        The memory that arguments refer to, kept alive until the batch is done.
    same_host : bool
        Whether it is for workers on this machine.
    lost_workers : int
        How many workers ended after they were sent the batch and before they began it.
    """

    # Most batches have one function and no large buffers: only the others get their own of these.
    numbers: list[int] | None = None
    counts: list[int] | None = None
    buffers: Sequence[Piece] = ()
    pins: Sequence[object] = ()
    lost_workers = 0
    nbytes = 0
    size = 0
    _number_of_key: dict[bytes, int] | None = None

    def __init__(self, first_task: int, terms: EncodedPart, *, same_host: bool) -> None:
        self.first_task = first_task
        self.terms = terms
        self.same_host = same_host
        self.functions: list[EncodedPart] = []
        self.function_keys: list[bytes] = []
        self.items: list[Item] = []

    @property
    def label(self) -> str:
        """The name of the first task's function."""
        return self._function_of(0).name

    @property
    def payload(self) -> bytes:
        """The batch as bytes, for ``fanfold.run_batch`` on a worker."""
        tasks = self.encoded({part.key: part.data for part in (self.terms, *self.functions)})
        buffers = [_mode_or_buffer(piece) for piece in self.buffers]
        stored = [number for number, mode in enumerate(buffers) if isinstance(mode, str)]
        return plain_dumps((tasks, buffers, stored, self.same_host), PROTOCOL)

    def encoded(self, new_parts: Mapping[bytes, bytes]) -> EncodedTasks:
        """Return the tasks as they travel, with the functions and terms that are new there."""
        return (
            new_parts,
            self.terms.key,
            self.function_keys,
            self.numbers,
            self.items,
            self.counts,
            self.first_task,
        )

    @property
    def shared(self) -> tuple[object, ...]:  # type: ignore[override]  # derived, so never set
        """The handles of the buffers that the backend keeps."""
        return tuple(piece.handle for piece in self.buffers if isinstance(piece, StoredBuffer))

    def run(self) -> object:
        """Run the tasks here, encoded as they are."""
        from .running import run_batch

        return run_batch(self.payload)

    @property
    def is_plain(self) -> bool:
        """Whether all its tasks call one function, and none has large buffers."""
        return self.numbers is None and self.counts is None

    def add(self, task: EncodedTask) -> None:
        """Add a task at the end."""
        functions = self.functions
        if not functions:
            functions.append(task.function)
            self.function_keys.append(task.function.key)
        elif self.numbers is not None or task.function is not functions[0]:
            self._add_number(task.function)
        if task.buffers or self.counts is not None:
            self._add_buffers(task.buffers)
        if task.pins:
            self.pins = [*self.pins, *task.pins]
        self.items.append(task.item)
        self.nbytes += task.nbytes
        self.size += 1

    def _add_number(self, function: EncodedPart) -> None:
        if self._number_of_key is None:
            self._number_of_key = {self.functions[0].key: 0}
        number = self._number_of_key.setdefault(function.key, len(self.functions))
        if number == len(self.functions):
            self.functions.append(function)
            self.function_keys.append(function.key)
        if number and self.numbers is None:
            self.numbers = [0] * len(self.items)
        if self.numbers is not None:
            self.numbers.append(number)

    def _add_buffers(self, buffers: Sequence[Piece]) -> None:
        if self.counts is None:
            self.counts = [0] * len(self.items)
        self.counts.append(len(buffers))
        self.buffers = [*self.buffers, *buffers]

    def describe(self, position: int) -> str:
        """Return a text that names the task at a position: its number, function and arguments."""
        index = self.first_task + position
        try:
            function = loads(self._function_of(position).data)
            call = describe_call(function, *self._arguments_of(position))
        except Exception:  # noqa: BLE001  a name is not worth an error of its own
            return f"task {index}"
        return f"task {index}: {call}"

    def spell(self, position: int) -> tuple[str, str]:
        """Return the name of a task's function, and its arguments, shortened."""
        name = self._function_of(position).name
        try:
            return name, describe_arguments(*self._arguments_of(position))
        except Exception:  # noqa: BLE001  they cannot be rebuilt here
            return name, "…"

    def cut(self, start: int, stop: int) -> EncodedBatch:
        """Return the tasks at these positions as a batch, encoded as they are."""
        piece = EncodedBatch(self.first_task + start, self.terms, same_host=self.same_host)
        piece.functions = self.functions
        piece.function_keys = self.function_keys
        piece.items = self.items[start:stop]
        piece.size = stop - start
        piece.nbytes = self.nbytes * piece.size // self.size
        piece.pins = self.pins
        if self.numbers is not None:
            piece.numbers = self.numbers[start:stop]
        if self.counts is not None:
            piece.counts = self.counts[start:stop]
            piece.buffers = self.buffers[sum(self.counts[:start]) : sum(self.counts[:stop])]
        return piece

    def _function_of(self, position: int) -> EncodedPart:
        return self.functions[self.numbers[position] if self.numbers else 0]

    def _arguments_of(self, position: int) -> tuple[tuple[object, ...], dict[str, object]]:
        item = self.items[position]
        if isinstance(item, tuple):
            return item, {}
        # Zeros stand for what the backend keeps.
        buffers = [
            bytearray(piece.nbytes) if isinstance(piece, StoredBuffer) else piece
            for piece in self.cut(position, position + 1).buffers
        ]
        arguments: tuple[tuple[object, ...], dict[str, object]] = loads(item, buffers=buffers)
        return arguments

    def decode(self, completed: Any) -> Outcome:
        """Return the outcome from what the batch's future was completed with."""
        if isinstance(completed, tuple):
            outcome, buffers = completed
        else:
            outcome, buffers, reports = loads(completed)
            self._deliver(reports)
        return decode_outcome(outcome, buffers, self.describe)

    def _deliver(self, reports: Sequence[Report]) -> None:
        """Have what its tasks told take effect here."""
        if reports:
            from .travel.delivery import deliver

            for report in reports:
                deliver(report, self.first_task)


def _mode_or_buffer(piece: Piece) -> bytearray | str:
    """Return a buffer, or for one that the backend keeps what tasks may do with it."""
    return piece.mode if isinstance(piece, StoredBuffer) else piece
