"""share(): an object that is pickled once and rebuilt once in each worker, for many calls."""

from __future__ import annotations

from _pickle import PickleBuffer, loads
from functools import partial
from typing import Generic, TypeVar

from ..errors import UnpicklableTaskError
from ..sharing import new_memory
from .known_objects import known_objects
from .pickling import TaskPickler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ..sharing import MappedFile

__all__ = ["Shared", "share", "unwrap"]

T = TypeVar("T")

_ALIGNMENT = 64


class Shared(Generic[T]):
    """A handle of an object that tasks share; made by :func:`share`.

    Attributes
    ----------
    value : object
        The object.
    """

    __slots__ = ("__weakref__", "_key", "_lengths", "_memory", "value")

    def __init__(
        self, key: bytes, value: T, memory: MappedFile | memoryview, lengths: tuple[int, ...]
    ) -> None:
        self.value = value
        self._key = key
        self._memory = memory
        self._lengths = lengths
        known_objects.has_handles = True

    def __repr__(self) -> str:
        """Return what is shared."""
        return f"<Shared {type(self.value).__name__}, {len(self._memory)} bytes>"

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as a handle; the object's bytes leave the stream where the pickler lets them."""
        return _open, (self._key, PickleBuffer(self._memory), self._lengths)


def share(value: T) -> Shared[T]:
    """Return a handle of an object, to give to many tasks in the object's place.

    A task that is given the handle as an argument is called with the object. It guarantees: the
    object is pickled once, when this is called; each worker process of this machine gets it once
    and rebuilds it once, for all calls that are made while the handle lives. Inside of other
    arguments, such as a list, the handle stays a handle, whose `value` is the object.

    Tasks on one worker are given the very same object, as threads are: they must not change it.
    Arrays in it cannot be written to. Changes that the caller makes later are not seen by workers.
    When the handle is gone, workers let go of the object with the next batch that they are sent.
    Workers of a cluster remember the last 16 objects; those travel with each call.

    Parameters
    ----------
    value : object
        Any object that can be pickled: a model, a dictionary, a list of a million texts.

    Returns
    -------
    Shared
        The handle.

    Raises
    ------
    fanfold.errors.UnpicklableTaskError
        If the object cannot be pickled. It is a ``PicklingError``.
    MemoryError
        If there is no memory for its pickled form.

    Examples
    --------
    >>> from fanfold import Parallel, delayed, share
    >>> prices = share({"apple": 3, "pear": 4})
    >>> Parallel(n_jobs=2)(delayed(dict.get)(prices, fruit) for fruit in ("pear", "apple"))
    [4, 3]
    """
    if isinstance(value, Shared):
        return value
    # By value, whatever it is: the handle may go to other machines, and outlive mapped files.
    pickler = TaskPickler(same_host=False, can_wait=False)
    try:
        stream, buffers, _ = pickler.dumps_with_buffers(value)
    except Exception as error:
        from .diagnosis import explain_unpicklable

        raise UnpicklableTaskError(
            f"share() cannot pickle this object: {explain_unpicklable(value)}. Share the parts "
            "that can be pickled"
        ) from error
    pieces = (memoryview(stream), *buffers)
    key = known_objects.new_key()
    shared = Shared(key, value, _keep(pieces), tuple(piece.nbytes for piece in pieces))
    known_objects.watch(shared, key)
    return shared


def _keep(pieces: Sequence[memoryview]) -> MappedFile:
    memory = new_memory(sum(_padded(piece.nbytes) for piece in pieces), None)
    start = 0
    try:
        for piece in pieces:
            memory.fill(start, piece)
            start += _padded(piece.nbytes)
    except OSError as error:
        raise MemoryError(
            f"cannot keep {len(memory)} bytes of a shared object in memory: {error}"
        ) from error
    memory.is_constant = True
    return memory


def unwrap(
    args: tuple[object, ...], kwargs: Mapping[str, object]
) -> tuple[tuple[object, ...], dict[str, object]]:
    """Return arguments with shared objects in the place of their handles."""
    return (
        tuple([arg.value if isinstance(arg, Shared) else arg for arg in args]),
        {name: arg.value if isinstance(arg, Shared) else arg for name, arg in kwargs.items()},
    )


def _open(key: bytes, memory: Any, lengths: tuple[int, ...]) -> Shared[Any]:
    """Return the handle that was pickled."""
    value = known_objects.get(key, partial(_rebuild, memory, lengths))
    return Shared(key, value, memory, lengths)


def _rebuild(memory: Any, lengths: tuple[int, ...]) -> object:
    view = memoryview(memory).toreadonly()
    pieces = []
    start = 0
    for length in lengths:
        pieces.append(view[start : start + length])
        start += _padded(length)
    stream, *buffers = pieces
    return loads(stream, buffers=buffers)


def _padded(length: int) -> int:
    return -(-length // _ALIGNMENT) * _ALIGNMENT
