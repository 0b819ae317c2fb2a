"""Encoding tasks on the caller's side.

A task is encoded when it is taken from the user's iterator, so it arrives as it was at that moment,
even if the iterator changes an array between two tasks.
"""

from __future__ import annotations

from _pickle import dumps as plain_dumps

from ..errors import UnpicklableTaskError
from .batches import EncodedBatch, EncodedPart, EncodedTask
from .byte_strings import wrap_arguments
from .naming import function_name, not_a_task
from .pickling import OUT_OF_BAND, PROTOCOL, TaskPickler, are_atoms, atom_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .naming import Function, Task
    from .storing import Piece, Storage
    from .terms import Terms

__all__ = ["TaskEncoder"]


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
            if not kwargs and type(args) is tuple and are_atoms(args):
                nbytes = sum(map(atom_bytes, args))
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
