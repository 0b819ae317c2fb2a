"""Encoding tasks on the caller's side.

A task is encoded when it is taken from the user's iterator, so it arrives as it was at that moment,
even if the iterator changes an array between two tasks.
"""

from __future__ import annotations

from _pickle import dumps as plain_dumps
from itertools import islice

from ..errors import UnpicklableTaskError
from .batches import EncodedBatch, EncodedPart, EncodedTask
from .byte_strings import wrap_arguments
from .naming import function_name, not_a_task
from .pickling import ATOMS, OUT_OF_BAND, PROTOCOL, TaskPickler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .naming import Function, Task
    from .storing import Piece, Storage
    from .terms import Terms

__all__ = ["TaskEncoder"]

_NO_FUNCTION = object()


class TaskEncoder:
    """Encodes the tasks of one call.

    A function is pickled once for the call, by identity; whoever changes a function object between
    two tasks should make a new one.

    Parameters
    ----------
    terms : Terms
        The terms on which the tasks run.
    same_host : bool
        Whether the workers are on this machine.
    storage : Storage or None
        Where large buffers are kept; None sends them along with each task.
    """

    REMEMBERED = 16

    def __init__(self, terms: Terms, *, same_host: bool, storage: Storage | None = None) -> None:
        self._terms = EncodedPart(plain_dumps(terms, PROTOCOL), "terms")
        self._same_host = same_host
        self._storage = storage
        self._pickler = TaskPickler(same_host=same_host, can_wait=True)
        self._functions: dict[int, tuple[Function, EncodedPart]] = {}

    def batch(self, first_task: int) -> EncodedBatch:
        """Return an empty batch that begins with this task."""
        return EncodedBatch(first_task, self._terms, same_host=self._same_host)

    def fill(self, batch: EncodedBatch, tasks: Iterator[Task], size: int, most_bytes: int) -> None:
        """Take tasks from an iterator to the end of a batch, until that has `size`, or is large.

        It does what :meth:`encode` and :meth:`EncodedBatch.add` do for each. Most tasks call the
        function of the one before, and have nothing but atoms for arguments: these take a fifth of
        the time here.

        Raises
        ------
        Exception
            What the iterator raises, or :meth:`encode` does; the batch is of no use then.
        """
        usual: object = _NO_FUNCTION
        n_tasks, nbytes, items = batch.size, batch.nbytes, batch.items
        for task in islice(tasks, max(0, size - n_tasks)):
            n_added = OUT_OF_BAND
            if type(task) is tuple and len(task) == 3 and task[0] is usual:
                n_added = _bytes_on_the_way(task[1], task[2])
            if n_added < OUT_OF_BAND:
                items.append(task[1])
                n_tasks += 1
                nbytes += n_added
            else:
                batch.size, batch.nbytes = n_tasks, nbytes
                batch.add(self.encode(task, batch.first_task + n_tasks))
                n_tasks, nbytes = batch.size, batch.nbytes
                usual = task[0] if batch.is_plain else _NO_FUNCTION
            if nbytes >= most_bytes:
                break
        batch.size, batch.nbytes = n_tasks, nbytes

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
            nbytes = _bytes_on_the_way(args, kwargs)
            if nbytes < OUT_OF_BAND:
                # Nobody can change them before the batch is sent, which pickles them at once.
                return EncodedTask(encoded, args, nbytes)
            arguments = wrap_arguments(args, kwargs)
            item, views, pins = self._pickler.dumps_with_buffers(arguments)
        except Exception as error:
            raise _unpicklable(task, index) from error
        whole = EncodedTask(encoded, item, len(item), pins)
        for view in views:
            whole.add(*self._keep(view))
        return whole

    def _keep(self, view: memoryview) -> tuple[Piece, int]:
        if self._storage is None:
            return bytearray(view), view.nbytes
        return self._storage.keep(view)

    def _encode_function(self, function: Function) -> EncodedPart:
        data, pins = self._pickler.dumps(function)
        encoded = EncodedPart(data, function_name(function), pins)
        # Bound methods are made anew for each task: remembering them all would fill the memory.
        if len(self._functions) >= self.REMEMBERED:
            self._functions.clear()
        self._functions[id(function)] = function, encoded
        return encoded


def _bytes_on_the_way(args: object, kwargs: object) -> int:
    """Return how many bytes arguments take as they are, or `OUT_OF_BAND` if they cannot go so."""
    if kwargs or type(args) is not tuple:
        return OUT_OF_BAND
    nbytes = 0
    for value in args:
        kind = type(value)
        if kind is str or kind is bytes:
            nbytes += len(value) + 5
        elif kind in ATOMS:
            nbytes += 9
        else:
            return OUT_OF_BAND
    return nbytes


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
