"""How numpy's arrays leave a pickle stream as buffers, and come back from them.

numpy itself leaves only contiguous arrays of simple types out of the stream. Here every array
without Python objects is left out, so that all of them can be mapped. The stream stays one that
plain pickle can read.
"""

from __future__ import annotations

import sys
from functools import cache
from pickle import PickleBuffer, UnpicklingError
from typing import Any, cast

from ._scattered import scattered_buffer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from ._mapping import FileMap

    Array = np.ndarray[Any, np.dtype[Any]]
    Rebuild = Callable[..., Array]

__all__ = [
    "ARRAYS_OF_JOBLIB",
    "array_reducers",
    "copied_array",
    "is_array_rebuilder",
    "mapped_array",
    "to_native",
]

ARRAYS_OF_JOBLIB = {
    ("joblib.numpy_pickle", "NumpyArrayWrapper"),
    ("sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper"),
}
"""What stands in joblib's pickles for an array, whose bytes follow."""

_LARGE = 1 << 20
_NUMBERS = frozenset("biufc")  # kinds of which every type exports a buffer; dates do not
_REBUILDERS = {"numpy._core.numeric", "numpy.core.numeric"}  # since numpy 2, before


def array_reducers() -> dict[type, Callable[[Any], tuple[Any, ...]]]:
    """Return a dispatch table for picklers; it is empty while nobody has imported numpy."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return {}
    # numpy imports what masks arrays only when it is asked for.
    return _reducers(numpy, getattr(sys.modules.get("numpy.ma"), "MaskedArray", None))


@cache
def _reducers(
    numpy: Any, masked_array: type | None
) -> dict[type, Callable[[Any], tuple[Any, ...]]]:
    rebuild = numpy.empty(1).__reduce_ex__(5)[0]

    def reduce_array(array: Array) -> tuple[Any, ...]:
        dtype, flags = array.dtype, array.flags
        if dtype.hasobject:
            return cast("tuple[Any, ...]", array.__reduce_ex__(5))
        shape, order = array.shape, "C"
        if not flags.c_contiguous:
            if flags.f_contiguous:
                order, array = "F", array.T
            elif array.nbytes >= _LARGE:
                return rebuild, (scattered_buffer(array), dtype, shape, order)
            else:
                array = array.copy()
        if dtype.kind not in _NUMBERS:
            array = array.reshape(-1).view("u1")
        buffer = PickleBuffer(cast("Any", array))  # numpy's stubs do not say that arrays export one
        return rebuild, (buffer, dtype, shape, order)

    def reduce_memmap(array: Array) -> tuple[Any, ...]:
        return reduce_array(array.view(numpy.ndarray))

    def reduce_view(array: Array) -> tuple[Any, ...]:
        return numpy.ndarray.view, (array.view(numpy.ndarray), type(array))

    def reduce_masked(array: Any) -> tuple[Any, ...]:
        if array.baseclass is not numpy.ndarray or array.dtype.names is not None:
            return cast("tuple[Any, ...]", array.__reduce_ex__(5))
        # Its own way to be pickled copies all of it. The constructor's arguments begin with data,
        # mask, dtype, copy, subok, ndmin, fill_value, keep_mask, hard_mask, shrink.
        contents = array.data, array._mask, None, False, True, 0, array._fill_value
        return type(array), (*contents, True, array.hardmask, False)

    reducers: dict[type, Callable[[Any], tuple[Any, ...]]] = {
        numpy.ndarray: reduce_array,
        numpy.memmap: reduce_memmap,
        numpy.matrix: reduce_view,
        numpy.recarray: reduce_view,
    }
    if masked_array is not None:
        reducers[masked_array] = reduce_masked
    return reducers


def is_array_rebuilder(module: str, name: str) -> bool:
    """Tell whether a global of a stream is the function that makes arrays of buffers."""
    return name == "_frombuffer" and module in _REBUILDERS


def copied_array(*, native: bool) -> Rebuild:
    """Return a function that makes an array of a buffer that was read for it.

    Arrays come back writable, even if they were not.

    Parameters
    ----------
    native : bool
        Whether to give them this machine's byte order.
    """
    from numpy import ndarray

    def rebuild(buffer: Any, dtype: Any, shape: Any, order: Any) -> Array:
        if dtype.hasobject:
            raise objects_of_bytes(dtype)
        if type(buffer) is memoryview:  # so the unpickler marks what was read-only
            buffer = buffer.obj
        array: Array = ndarray(shape, dtype, buffer, 0, None, order)
        return to_native(array) if native and not array.dtype.isnative else array

    return rebuild


def objects_of_bytes(dtype: np.dtype[Any]) -> UnpicklingError:
    """Return the error for a dtype whose bytes would be taken for the addresses of objects."""
    return UnpicklingError(f"an array of {dtype} cannot be made of bytes")


def to_native(array: Array) -> Array:
    """Return the array in this machine's byte order."""
    return array.astype(array.dtype.newbyteorder("="))


def mapped_array(mapped: FileMap) -> Rebuild:
    """Return a function that makes an array, a ``numpy.memmap``, of a view of a mapped file."""
    from numpy import memmap, ndarray

    def address(buffer: Any) -> int:
        array: Array = ndarray((0,), "u1", buffer)
        start: int = array.__array_interface__["data"][0]
        return start

    pages = mapped.pages
    first = address(pages)

    def rebuild(buffer: Any, dtype: Any, shape: Any, order: Any) -> Array:
        if dtype.hasobject:
            raise objects_of_bytes(dtype)
        offset = address(buffer) - first if len(buffer) else 0
        array: Any = ndarray.__new__(memmap, shape, dtype, pages, offset, None, order)
        array._mmap = pages
        array.filename = mapped.path
        array.offset = offset
        array.mode = mapped.mode
        return array  # type: ignore[no-any-return]  # the attributes are not in numpy's stubs

    return rebuild
