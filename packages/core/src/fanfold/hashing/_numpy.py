"""Hashers for numpy: dtype, shape and values count; strides, order and memory maps do not."""

from __future__ import annotations

import sys
from itertools import chain

from ._blocks import BLOCK
from ._floats import nan_cleaner, with_one_nan
from ._names import qualified_name
from ._registry import register_hasher
from ._versions import version_of
from ._words import Chunks, Named, Tagged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    import numpy as np

__all__ = ["chunks_of", "describe"]

_TILE = 512
_LONG = 1 << 14  # up to here, copying the bytes is cheaper than setting up a hash for them


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
    if dtype.kind == "T":
        text: Any = dtype  # numpy 1 knows no dtype of this kind
        return "text", repr(getattr(text, "na_object", ...)), text.coerce
    return dtype.str


def values_of(array: np.ndarray[Any, Any]) -> object:
    """Return a stand-in for the values of an array, in C order."""
    dtype = array.dtype
    if dtype.names is not None:  # padding between the fields has no meaning
        return [values_of(array[name]) for name in dtype.names]
    if dtype.hasobject or dtype.kind == "T":  # text of variable width lies elsewhere in memory
        return Named(".flat", array.ravel().tolist())
    if dtype.kind in "fc" and dtype.char in "gG":
        return _without_padding(array)
    if array.nbytes < _LONG:
        return _few_values(array)
    return chunks_of(lambda: (array,), dtype, array.nbytes)


def _few_values(array: np.ndarray[Any, Any]) -> bytes:
    values = array.tobytes()
    if array.dtype.kind not in "fc":
        return values
    total = sys.modules["numpy"].vdot(array, array)  # takes 1 µs, and is NaN if one of them is
    if total == total:
        return values
    clean = nan_cleaner(array.dtype)
    return values if clean is None else bytes(clean(values))


def chunks_of(
    arrays: Callable[[], Iterable[np.ndarray[Any, Any]]], dtype: np.dtype[Any], nbytes: int
) -> Chunks:
    """Return a stand-in for the values of several arrays, one after the other.

    Parameters
    ----------
    arrays : callable
        Returns them.
    dtype : numpy.dtype
        What they all are; neither objects, nor records, nor long doubles.
    nbytes : int
        The size of all together.
    """

    def pieces() -> Iterator[memoryview]:
        return chain.from_iterable(map(_pieces, arrays()))

    return Chunks(nbytes, pieces, nan_cleaner(dtype))


def _pieces(array: np.ndarray[Any, Any]) -> Iterator[memoryview]:
    """Yield the bytes of an array in C order, without a copy where they lie so."""
    np = sys.modules["numpy"]
    if array.flags.c_contiguous:
        yield array.reshape(-1).view(np.uint8).data
    elif array.nbytes <= BLOCK:
        yield _copied(array).reshape(-1).view(np.uint8).data
    elif len(array) == 1:
        yield from _pieces(array[0])
    else:  # some rows at a time
        n_rows = max(1, BLOCK * len(array) // array.nbytes)
        for row in range(0, len(array), n_rows):
            yield from _pieces(array[row : row + n_rows])


def _copied(array: Any) -> Any:
    """Return a copy in C order.

    It is made tile by tile, which takes a quarter of the time where the columns lie one after the
    other: numpy would go from column to column, each in a page of its own.
    """
    np = sys.modules["numpy"]
    copied = np.empty(array.shape, array.dtype)
    for column in range(0, array.shape[-1], _TILE):
        tile = ..., slice(column, column + _TILE)
        copied[tile] = array[tile]
    return copied


def _without_padding(array: np.ndarray[Any, Any]) -> object:
    """Return the values of long doubles, of which x86 uses 10 bytes of 16."""
    np = sys.modules["numpy"]
    if array.dtype.kind == "c":
        return _without_padding(array.real), _without_padding(array.imag)
    n_bytes = 10 if np.finfo(np.longdouble).nmant == 63 else array.dtype.itemsize
    items = with_one_nan(np.ascontiguousarray(array).reshape(-1)).view(np.uint8)
    used = items.reshape(-1, array.dtype.itemsize)[:, :n_bytes]
    return used.tobytes()


def _scalar(scalar: np.generic) -> object:
    array = sys.modules["numpy"].asarray(scalar)
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


def _generator(generator: np.random.Generator) -> object:
    return generator.bit_generator


def _bit_generator(bits: Any) -> object:
    return bits.state, bits.seed_seq  # the latter decides what spawn() returns


def _seed_sequence(seeds: np.random.SeedSequence) -> object:
    return seeds.state


def _random_state(generator: np.random.RandomState) -> object:
    return generator.get_state(legacy=False)


register_hasher("numpy.ndarray", _array)
register_hasher("numpy.generic", _scalar)
register_hasher("numpy.dtype", _dtype)
register_hasher("numpy.ma.MaskedArray", _masked_array)
register_hasher("numpy.ufunc", _ufunc)
register_hasher("numpy._ArrayFunctionDispatcher", _dispatched)
register_hasher("numpy.random._generator.Generator", _generator)
register_hasher("numpy.random.bit_generator.BitGenerator", _bit_generator)
register_hasher("numpy.random.bit_generator.SeedSequence", _seed_sequence)
register_hasher("numpy.random.mtrand.RandomState", _random_state)
