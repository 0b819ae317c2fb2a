"""How numpy's arrays travel: those in mapped memory as references to it, the others by value.

The reducers here are given to the picklers that carry tasks and results, and to no other: whatever
else a user pickles is pickled as ever.
"""

from __future__ import annotations

from typing import Any

from numpy import memmap, ndarray

from ..sharing import open_reference, refer
from .pickling import PROTOCOL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Reduced: TypeAlias = tuple[Any, ...]

__all__ = ["array_reducers"]


def array_reducers(
    pins: list[object], *, same_host: bool, can_wait: bool
) -> dict[type, Callable[[Any], Reduced]]:
    """Return the reducers of arrays, for the dispatch table of a pickler.

    Parameters
    ----------
    pins : list
        Filled with the memory that must stay alive until what is pickled has been read.
    same_host : bool
        Whether the reader is on this machine; if not, all goes by value.
    can_wait : bool
        Whether the sender keeps `pins` alive for so long; if not, its own memory goes by value.
    """

    def reduce_view(array: Any) -> Reduced | None:
        found = refer(array)
        if found is None:
            return None
        reference, pin = found
        if pin is not None:
            if not can_wait:
                return None
            pins.append(pin)
        return open_reference, tuple(reference)

    def reduce_array(array: Any) -> Reduced:
        # Nearly every array is without a base: its memory is its own.
        return (array.base is not None and reduce_view(array)) or _by_value(array)

    def reduce_memmap(array: Any) -> Reduced:
        return reduce_view(array) or _by_value_as_array(array)

    if not same_host:
        return {memmap: _by_value_as_array}
    return {ndarray: reduce_array, memmap: reduce_memmap}


def _by_value(array: Any) -> Reduced:
    reduced: Reduced = array.__reduce_ex__(PROTOCOL)
    return reduced


def _by_value_as_array(array: Any) -> Reduced:
    """Reduce a memory map to a plain array: only the memory of these leaves a pickle stream."""
    return _by_value(array.view(ndarray))
