"""Pickling for the way to a worker and back: plain where that will do, cloudpickle where it must.

Plain pickle stores functions and classes by name. That fails for lambdas and closures, and it
succeeds wrongly for what is defined in ``__main__``, which a worker does not have. A stream that
could hold such a name contains the bytes ``__main__``, so looking for them finds every case at the
price of a memory search; a false alarm only costs the slower pickler.
"""

from __future__ import annotations

import sys
from _pickle import Pickler, PicklingError, dumps as plain_dumps
from copyreg import dispatch_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pickle import PickleBuffer
    from typing import Any

    BufferCallback = Callable[[PickleBuffer], object]
    DispatchTable = dict[type, Callable[[Any], Any]]

__all__ = [
    "ATOMS",
    "NUMBERS",
    "OUT_OF_BAND",
    "PICKLING_FAILURES",
    "PROTOCOL",
    "TaskPickler",
    "are_atoms",
    "atom_bytes",
    "by_value_pickler",
    "dumps",
]

PROTOCOL = 5
OUT_OF_BAND = 1 << 16
"""Buffers of this many bytes and more travel beside the pickle stream, so they are copied less."""

PICKLING_FAILURES = (PicklingError, TypeError, AttributeError, RecursionError, ValueError)
"""What picklers raise for an object that they cannot pickle."""

NUMBERS = frozenset([type(None), bool, int, float, complex])
ATOMS = NUMBERS | {str, bytes}
"""Types of which plain pickle will always do."""


def are_atoms(values: Iterable[object]) -> bool:
    """Tell whether all are numbers, texts and the like."""
    for value in values:  # noqa: SIM110  all() would take three times as long, for every task
        if type(value) not in ATOMS:
            return False
    return True


def atom_bytes(value: object) -> int:
    """Return how many bytes an atom takes in a pickle stream, about."""
    return len(value) + 5 if isinstance(value, str | bytes) else 9


def dumps(value: object) -> bytes:
    """Pickle `value`, by value where a worker could not find it by name.

    Raises
    ------
    PicklingError, TypeError, AttributeError, RecursionError, ValueError
        If it cannot be pickled; :func:`fanfold.tasks.diagnosis.explain_unpicklable` says why. Any
        other exception comes from the object's own ``__reduce__``.
    """
    return _dumps(value, None, None)


class TaskPickler:
    """Pickles tasks, or results, as :func:`dumps` does, but arrays as suits the way they go.

    Parameters
    ----------
    same_host : bool
        Whether the reader is on this machine, so that arrays in shared or mapped memory can travel
        as references to it.
    can_wait : bool
        Whether the caller keeps the memory that streams refer to until they have been read. If not,
        memory that this process made is copied.
    """

    def __init__(self, *, same_host: bool, can_wait: bool) -> None:
        self._same_host = same_host
        self._can_wait = can_wait
        self._pins: list[object] = []
        self._table: DispatchTable | None = None
        self._n_registered = 0

    def dumps(self, value: object) -> tuple[bytes, Sequence[object]]:
        """Pickle `value` as a whole.

        Returns
        -------
        tuple
            The stream, and the memory that must stay alive until it is read.
        """
        return _dumps(value, None, self._dispatch_table()), self._take_pins()

    def dumps_with_buffers(self, value: object) -> tuple[bytes, list[memoryview], Sequence[object]]:
        """Pickle `value`, but leave its large buffers out of the stream.

        Returns
        -------
        tuple
            The stream; a view of each buffer of `OUT_OF_BAND` bytes and more, in the order in which
            unpickling asks for them; and the memory that must stay alive until it is read.
        """
        buffers = _Buffers()
        data = _dumps(value, buffers, self._dispatch_table())
        return data, buffers, self._take_pins()

    def _dispatch_table(self) -> DispatchTable | None:
        """Return what is registered and the reducers of arrays; None while there is no numpy.

        numpy registers some when it is imported, so it need not be looked for each time.
        """
        n_registered = len(dispatch_table)
        if n_registered != self._n_registered:
            self._table = self._new_table() if "numpy" in sys.modules else None
            # Last: another thread that sees this number takes the table.
            self._n_registered = n_registered
        return self._table

    def _new_table(self) -> DispatchTable:
        # If another thread is just importing numpy, this waits for it.
        from .arrays import array_reducers

        reducers = array_reducers(self._pins, same_host=self._same_host, can_wait=self._can_wait)
        return {**dispatch_table, **reducers}

    def _take_pins(self) -> Sequence[object]:
        if not self._pins:
            return ()
        pins = tuple(self._pins)
        self._pins.clear()
        return pins


class _Buffers(list[memoryview]):
    """The large buffers of what is pickled."""

    def keep_in_band(self, buffer: PickleBuffer) -> bool:
        """Take a buffer if it is large, and tell the pickler whether it is not."""
        view = buffer.raw()
        if view.nbytes < OUT_OF_BAND:
            return True
        self.append(view)
        return False


class _Chunks(list[bytes]):
    """What a pickler writes."""

    write = list.append


def _dumps(value: object, buffers: _Buffers | None, table: DispatchTable | None) -> bytes:
    """Pickle by name, or by value where that fails or a worker may not know the names."""
    if not _has_modules_by_value():
        try:
            data = _dumps_by_name(value, buffers, table)
        except PICKLING_FAILURES:
            pass  # a lambda or a closure perhaps: cloudpickle may know how, and says if not
        else:
            if b"__main__" not in data:
                return data
    if buffers:
        buffers.clear()
    return _dumps_by_value(value, buffers, table)


def _dumps_by_name(value: object, buffers: _Buffers | None, table: DispatchTable | None) -> bytes:
    callback = None if buffers is None else buffers.keep_in_band
    if table is None:
        return plain_dumps(value, PROTOCOL, buffer_callback=callback)
    chunks = _Chunks()
    pickler = Pickler(chunks, PROTOCOL, buffer_callback=callback)
    pickler.dispatch_table = table
    pickler.dump(value)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _dumps_by_value(value: object, buffers: _Buffers | None, table: DispatchTable | None) -> bytes:
    callback = None if buffers is None else buffers.keep_in_band
    # Here and not with the reducers of arrays: plain pickle fails for these, and so comes here.
    from contextvars import ContextVar

    from .travel.variables import reduce_variable

    chunks = _Chunks()
    by_value_pickler(chunks, callback, {**(table or {}), ContextVar: reduce_variable}).dump(value)
    return b"".join(chunks)


def by_value_pickler(
    file: object, buffer_callback: BufferCallback | None, table: DispatchTable | None
) -> Pickler:
    """Return a pickler that takes functions and classes by value where it must.

    Parameters
    ----------
    file : object
        What it writes to.
    buffer_callback : callable or None
        As for :class:`pickle.Pickler`.
    table : mapping or None
        Reducers by type, beside those of cloudpickle.
    """
    import cloudpickle

    pickler: Pickler = cloudpickle.Pickler(file, PROTOCOL, buffer_callback=buffer_callback)
    if table is not None:
        # Not by assignment: cloudpickle's class has an attribute of this name, and hides that of
        # the pickler beneath.
        whole = {**pickler.dispatch_table, **table}
        Pickler.dispatch_table.__set__(pickler, whole)  # type: ignore[attr-defined]  # not in stubs
    return pickler


def _has_modules_by_value() -> bool:
    """Tell whether the user registered modules with ``cloudpickle.register_pickle_by_value``."""
    cloudpickle = sys.modules.get("cloudpickle")
    return cloudpickle is not None and bool(cloudpickle.list_registry_pickle_by_value())
