"""Hashers for numpy: dtype, shape and values count; strides, order and memory maps do not."""

from __future__ import annotations

import sys

from ._names import qualified_name, version_of
from ._registry import register_hasher
from ._words import Chunks, Tagged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import numpy as np

__all__ = ["values_of"]

_LONG = 1 << 14  # up to here, copying the bytes is cheaper than setting up a hash for them
_CHUNK_ITEMS = 1 << 17  # with 8 bytes each, a chunk fits into most second-level caches


def _array(array: np.ndarray[Any, Any]) -> object:
    np = sys.modules["numpy"]
    base = array.view(np.ndarray)
    parts = (describe(array.dtype), values_of(base), *array.shape)
    kind = type(array)
    if kind is np.ndarray or kind is np.memmap:
        return Tagged("numpy.ndarray", parts)
    return {"values": parts, "attributes": getattr(array, "__dict__", None) or None}


def describe(dtype: np.dtype[Any]) -> object:
    """Return what counts of a dtype; not the padding and the offsets of its fields."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return "subarray", describe(base), shape
    if dtype.names is not None:
        return "fields", [(name, describe(dtype[name])) for name in dtype.names]
    if dtype.isbuiltin == 2:  # a type that some other library has added
        return "added", qualified_name(dtype.type)
    return dtype.str


def values_of(array: np.ndarray[Any, Any]) -> object:
    """Return a stand-in for the values of an array, in C order."""
    dtype = array.dtype
    if dtype.names is not None:  # padding between the fields has no meaning
        return [values_of(array[name]) for name in dtype.names]
    if dtype.hasobject or dtype.kind == "T":  # text of variable width lies elsewhere in memory
        return array.ravel().tolist()
    if dtype.kind in "fc" and dtype.char in "gG":
        return _without_padding(array)
    return array.tobytes() if array.nbytes < _LONG else Chunks(lambda: _chunks(array))


def _chunks(array: np.ndarray[Any, Any]) -> Iterator[memoryview]:
    """Yield the bytes of an array in C order, without a copy where they lie so."""
    np = sys.modules["numpy"]
    if array.flags.c_contiguous:
        yield array.reshape(-1).view(np.uint8).data
        return
    for chunk in np.nditer(
        array,
        flags=["external_loop", "buffered"],
        op_flags=[["readonly", "contig"]],
        order="C",
        buffersize=_CHUNK_ITEMS,
    ):
        yield chunk.view(np.uint8).data


def _without_padding(array: np.ndarray[Any, Any]) -> object:
    """Return the values of long doubles, of which x86 uses 10 bytes of 16."""
    np = sys.modules["numpy"]
    if array.dtype.kind == "c":
        return _without_padding(array.real), _without_padding(array.imag)
    n_bytes = 10 if np.finfo(np.longdouble).nmant == 63 else array.dtype.itemsize
    items = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    used = items.reshape(-1, array.dtype.itemsize)[:, :n_bytes]
    return used.tobytes()


def _scalar(scalar: np.generic) -> object:
    np = sys.modules["numpy"]
    if scalar.dtype.kind == "f" and scalar != scalar:  # all NaNs are one, as those of Python are
        return Tagged("numpy.generic", (describe(scalar.dtype), "nan"))
    array = np.asarray(scalar)
    return Tagged("numpy.generic", (describe(array.dtype), values_of(array)))


def _dtype(dtype: np.dtype[Any]) -> object:
    return Tagged("numpy.dtype", describe(dtype))


def _masked_array(array: Any) -> object:
    np = sys.modules["numpy"]
    mask = np.ma.getmaskarray(array)
    return {"data": np.asarray(array.data), "mask": mask, "fill_value": array.fill_value}


def _ufunc(function: np.ufunc) -> object:
    for module_name in ("numpy", "scipy.special"):
        if getattr(sys.modules.get(module_name), function.__name__, None) is function:
            return f"{module_name}.{function.__name__}", version_of(module_name)
    raise TypeError("it does not tell which function numpy.frompyfunc made it from")


def _dispatched(function: Any) -> object:
    return qualified_name(function), version_of("numpy")


register_hasher("numpy.ndarray", _array)
register_hasher("numpy.generic", _scalar)
register_hasher("numpy.dtype", _dtype)
register_hasher("numpy.ma.MaskedArray", _masked_array)
register_hasher("numpy.ufunc", _ufunc)
register_hasher("numpy._ArrayFunctionDispatcher", _dispatched)
