"""The values of arrow's arrays, read from their buffers.

Each array is told as its length, which places are missing, and the values that are not, so neither
chunks, offsets, capacity, nor what lies where a value is missing can count. It needs numpy.
"""

from __future__ import annotations

import sys

from ._texts import run_of, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["column_of"]


def column_of(array: Any) -> object:
    """Return a stand-in for the values of an Array or ChunkedArray, but not for its type."""
    array = _simplified(array)
    if not array.null_count:
        return len(array), None, _present(array)
    missing = array.is_null().to_numpy(zero_copy_only=False)
    return len(array), missing, _present(array.drop_null())


def _simplified(array: Any) -> Any:
    """Return an Array in one piece with the same values, of a type that says them more simply."""
    arrow = sys.modules["pyarrow"]
    kinds, kind = arrow.types, array.type
    if isinstance(kind, arrow.BaseExtensionType):
        return _simplified(array.cast(kind.storage_type))
    if kinds.is_dictionary(kind):
        return _simplified(array.cast(kind.value_type))
    # Offsets of 64 bits, or chunks of more than 2 GB could not be joined.
    if kinds.is_string(kind) or kinds.is_string_view(kind):
        array = array.cast(arrow.large_string())
    elif kinds.is_binary(kind) or kinds.is_binary_view(kind):
        array = array.cast(arrow.large_binary())
    elif kinds.is_list(kind):
        array = array.cast(arrow.large_list(kind.value_field))
    elif kinds.is_map(kind):
        pair = arrow.struct([("key", kind.key_type), ("value", kind.item_type)])
        array = array.cast(arrow.large_list(pair))
    return array.combine_chunks() if isinstance(array, arrow.ChunkedArray) else array


def _present(array: Any) -> object:
    """Return a stand-in for the values of an array in which none is missing."""
    np, kinds, kind = sys.modules["numpy"], sys.modules["pyarrow"].types, array.type
    if not len(array) or kinds.is_null(kind):
        return None
    if kinds.is_struct(kind):
        return [column_of(child) for child in array.flatten()]
    if kinds.is_fixed_size_list(kind):
        return column_of(array.flatten())
    if kinds.is_large_list(kind):
        return np.diff(array.offsets.to_numpy()), column_of(array.flatten())
    if kinds.is_large_string(kind) or kinds.is_large_binary(kind):
        _, offsets, data = array.buffers()
        places = np.frombuffer(offsets, "i8", len(array) + 1, array.offset * 8)
        return text_of(np.diff(places), memoryview(data or b"")[places[0] : places[-1]])
    if kinds.is_boolean(kind) or kinds.is_floating(kind):
        return array.to_numpy(zero_copy_only=False)
    if kinds.is_primitive(kind) or kinds.is_decimal(kind) or kinds.is_fixed_size_binary(kind):
        width = kind.bit_width // 8
        values = memoryview(array.buffers()[1])
        return run_of(values[array.offset * width : (array.offset + len(array)) * width])
    return array.to_pylist()
