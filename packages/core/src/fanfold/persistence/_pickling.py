"""A value becomes a pickle stream and buffers."""

from __future__ import annotations

import copyreg
from pickle import Pickler, PicklingError

from ._arrays import array_reducers
from ._errors import UnpicklableValueError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pickle import PickleBuffer
    from typing import Protocol

    from ..contracts.store import Piece

    class Sink(Protocol):
        """What takes the stream and the buffers."""

        def write(self, data: Piece) -> int: ...

        @property
        def add_buffer(self) -> Callable[[PickleBuffer], object]: ...


__all__ = ["PICKLING_FAILURES", "pickle_by_name", "pickle_by_value"]

PROTOCOL = 5
PICKLING_FAILURES = (PicklingError, AttributeError, TypeError)
"""What picklers raise for an object that they cannot pickle."""


def pickle_by_name(value: object, sink: Sink) -> None:
    """Pickle `value`, functions and classes by their names.

    Raises
    ------
    PicklingError, AttributeError, TypeError
        If it cannot be pickled so.
    """
    pickler = Pickler(sink, PROTOCOL, buffer_callback=sink.add_buffer)
    reducers = array_reducers()
    if reducers:
        pickler.dispatch_table = {**copyreg.dispatch_table, **reducers}
    pickler.dump(value)


def pickle_by_value(value: object, sink: Sink) -> None:
    """Pickle `value`, functions and classes that cannot be found by name by their code.

    Raises
    ------
    PicklingError, AttributeError, TypeError
        If it cannot be pickled so.
    """
    from ..tasks.pickling import by_value_pickler

    by_value_pickler(sink, sink.add_buffer, array_reducers()).dump(value)


def unpicklable(value: object, failure: Exception) -> UnpicklableValueError:
    """Return the error for a value that cannot be pickled, naming the part at fault."""
    from ..tasks.diagnosis import explain_unpicklable, find_unpicklable

    if find_unpicklable(value, "value") is None:
        return UnpicklableValueError(
            f"the {type(value).__qualname__!r} cannot be written: {failure}; functions and classes "
            "are written by name, so define them at the top of a module that can be imported"
        )
    return UnpicklableValueError(
        f"the {type(value).__qualname__!r} cannot be written because of its part "
        f"{explain_unpicklable(value, 'value')}; leave that part out with __getstate__"
    )
