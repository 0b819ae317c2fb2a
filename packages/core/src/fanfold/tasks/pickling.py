"""Pickling for the way to a worker: plain pickle where it can, cloudpickle where it must.

Plain pickle stores functions and classes by name. That fails for lambdas and closures, and it
succeeds wrongly for what is defined in ``__main__``, which a worker does not have. A stream that
could hold such a name contains the bytes ``__main__``, so looking for them finds every case at the
price of a memory search; a false alarm only costs the slower pickler.
"""

from __future__ import annotations

import sys
from _pickle import PicklingError, dumps as plain_dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pickle import PickleBuffer

    BufferCallback = Callable[[PickleBuffer], object]

__all__ = ["OUT_OF_BAND", "PICKLING_FAILURES", "PROTOCOL", "dumps", "dumps_with_buffers"]

PROTOCOL = 5
OUT_OF_BAND = 1 << 16
"""Buffers of this many bytes and more travel beside the pickle stream, so they are copied less."""

PICKLING_FAILURES = (PicklingError, TypeError, AttributeError, RecursionError, ValueError)
"""What picklers raise for an object that they cannot pickle."""


def dumps(value: object) -> bytes:
    """Pickle `value`, by value where a worker could not find it by name.

    Raises
    ------
    PicklingError, TypeError, AttributeError, RecursionError, ValueError
        If it cannot be pickled; :func:`fanfold.tasks.diagnosis.explain_unpicklable` says why. Any
        other exception comes from the object's own ``__reduce__``.
    """
    data = _plain(value, None)
    return data if data is not None else _by_value(value, None)


def dumps_with_buffers(value: object) -> tuple[bytes, list[memoryview]]:
    """Pickle `value` as :func:`dumps` does, but leave its large buffers out of the stream.

    Returns
    -------
    tuple
        The stream, and a view of each buffer of `OUT_OF_BAND` bytes and more, in the order in which
        unpickling asks for them.
    """
    views: list[memoryview] = []

    def keep_in_band(buffer: PickleBuffer) -> bool:
        view = buffer.raw()
        if view.nbytes < OUT_OF_BAND:
            return True
        views.append(view)
        return False

    data = _plain(value, keep_in_band)
    if data is None:
        views.clear()
        data = _by_value(value, keep_in_band)
    return data, views


def _plain(value: object, buffer_callback: BufferCallback | None) -> bytes | None:
    """Pickle by name, or return None where that fails or a worker may not know the names."""
    if _has_modules_by_value():
        return None
    try:
        data = plain_dumps(value, PROTOCOL, buffer_callback=buffer_callback)
    except PICKLING_FAILURES:
        return None  # a lambda or a closure perhaps: cloudpickle may know how, and says if not
    return None if b"__main__" in data else data


def _by_value(value: object, buffer_callback: BufferCallback | None) -> bytes:
    import cloudpickle

    data: bytes = cloudpickle.dumps(value, PROTOCOL, buffer_callback=buffer_callback)
    return data


def _has_modules_by_value() -> bool:
    """Tell whether the user registered modules with ``cloudpickle.register_pickle_by_value``."""
    cloudpickle = sys.modules.get("cloudpickle")
    return cloudpickle is not None and bool(cloudpickle.list_registry_pickle_by_value())
