"""Hashers for pandas: by value, whatever the blocks, caches and layouts inside.

The names are fixed, because pandas 3 moved most of its classes.
"""

from __future__ import annotations

import sys

from ._arrow_columns import column_of
from ._names import qualified_name
from ._numpy import chunks_of, describe
from ._registry import register_hasher
from ._texts import column_of_strings
from ._words import Named, Tagged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import numpy as np

    from ._words import Chunks

__all__: list[str] = []

# To take one column out of a frame costs as much as copying some 8 kB, and to take out several at
# once as much as some 10 columns.
_SHORT_COLUMN = 1 << 13
_FEW_COLUMNS = 10


def _frame(frame: Any) -> object:
    # `_metadata` names the attributes that a subclass adds, such as the geometry of geopandas.
    numbers, others = _places(frame)
    parts = {
        "columns": frame.columns,
        "index": frame.index,
        "numbers": [
            (describe(dtype), places, _numbers(frame, dtype, places))
            for dtype, places in numbers.items()
        ],
        "others": others,
        "attrs": frame.attrs or None,
        "own": _own(frame),
    }
    values = [Named(f"[{column.name!r}]", _values(column)) for column in _columns(frame, others)]
    return Tagged(f"pandas.DataFrame{_subclass(frame)}", (parts, *values))


def _places(frame: Any) -> tuple[dict[np.dtype[Any], list[int]], list[int]]:
    """Return the places of a frame's columns: of numbers by dtype, and of everything else."""
    numbers: dict[np.dtype[Any], list[int]] = {}
    others: list[int] = []
    for place, dtype in enumerate(frame.dtypes):
        if _is_numpy(dtype) and dtype.kind in "biufcmM" and dtype.char not in "gG":
            numbers.setdefault(dtype, []).append(place)
        else:
            others.append(place)
    return numbers, others


def _numbers(frame: Any, dtype: np.dtype[Any], places: list[int]) -> Chunks:
    """Return a stand-in for columns of one dtype, one after the other."""

    def columns() -> Iterator[np.ndarray[Any, Any]]:
        if len(places) < _FEW_COLUMNS or len(frame) * dtype.itemsize > _SHORT_COLUMN:
            yield from (column.to_numpy() for column in _columns(frame, places))
        else:
            table = frame if len(places) == frame.shape[1] else frame.iloc[:, places]
            yield table.to_numpy().T

    return chunks_of(columns, dtype, len(frame) * len(places) * dtype.itemsize)


def _series(series: Any) -> object:
    parts = {
        "name": series.name,
        "index": series.index,
        "attrs": series.attrs or None,
        "own": _own(series),
    }
    return Tagged(f"pandas.Series{_subclass(series)}", (parts, _values(series)))


def _index(index: Any) -> object:
    if hasattr(index, "levels"):
        levels = [_values(index.get_level_values(number)) for number in range(index.nlevels)]
        return Tagged("pandas.MultiIndex", {"names": list(index.names), "levels": levels})
    # A RangeIndex equals an index that spells its numbers out.
    freq = getattr(index, "freqstr", None)
    return Tagged("pandas.Index", {"name": index.name, "values": _values(index), "freq": freq})


def _extension_array(array: Any) -> object:
    return Tagged("pandas.array", _values(array))


def _values(column: Any) -> object:
    """Return a stand-in for the dtype and values of a series, an index or an extension array."""
    dtype = column.dtype
    if _is_numpy(dtype):
        return column.to_numpy()
    own = type(dtype).__module__.partition(".")[0] == "pandas"
    values = _VALUES.get(type(dtype).__name__, _objects) if own else _objects
    return values(getattr(column, "array", column))


def _categorical(array: Any) -> object:
    return "category", array.categories, bool(array.ordered), array.codes


def _dates(array: Any) -> object:
    return str(array.dtype), array.asi8


def _intervals(array: Any) -> object:
    return str(array.dtype), _values(array.left), _values(array.right)


def _sparse(array: Any) -> object:
    return str(array.dtype), array.to_dense()


def _plain(array: Any) -> object:
    return array.to_numpy()


def _masked(array: Any) -> object:
    """Return the values with what their mask hides set to 0."""
    dtype = array.dtype
    return str(dtype), array.to_numpy(dtype=dtype.numpy_dtype, na_value=0), array.isna()


def _arrow(array: Any) -> object:
    return str(array.dtype), column_of(array.__arrow_array__())


def _text(array: Any) -> object:
    """Return the values of text, whether it lies in arrow's memory or in Python's objects."""
    if array.dtype.storage == "pyarrow":
        return str(array.dtype), column_of(array.__arrow_array__())
    missing = array.isna()
    return str(array.dtype), column_of_strings(array[~missing].astype(object).tolist(), missing)


def _objects(array: Any) -> object:
    """Return the items of an array whose type some other library has added."""
    missing = array.isna()
    objects = array.to_numpy(dtype=object, na_value=None) if missing.any() else array.astype(object)
    return str(array.dtype), objects


_VALUES = {
    "ArrowDtype": _arrow,
    "CategoricalDtype": _categorical,
    "DatetimeTZDtype": _dates,
    "IntervalDtype": _intervals,
    "NumpyEADtype": _plain,
    "PeriodDtype": _dates,
    "SparseDtype": _sparse,
    "StringDtype": _text,
    **dict.fromkeys(
        (
            *("BooleanDtype", "Float32Dtype", "Float64Dtype", "Int8Dtype", "Int16Dtype"),
            *("Int32Dtype", "Int64Dtype", "UInt8Dtype", "UInt16Dtype", "UInt32Dtype"),
            "UInt64Dtype",
        ),
        _masked,
    ),
}
"""The ways of pandas' own dtypes, by name; their modules move."""


def _columns(frame: Any, places: list[int]) -> Iterator[Any]:
    """Yield the columns at these places; there may be several of one name."""
    if 4 * len(places) < frame.shape[1]:
        yield from (frame.iloc[:, place] for place in places)
    else:  # four times as fast for each
        wanted = set(places)
        columns = (column for _, column in frame.items())
        yield from (column for place, column in enumerate(columns) if place in wanted)


def _is_numpy(dtype: object) -> bool:
    return isinstance(dtype, sys.modules["numpy"].dtype)


def _own(obj: Any) -> dict[str, object]:
    return {name: getattr(obj, name, None) for name in obj._metadata if name != "name"}


def _subclass(obj: Any) -> str:
    name = qualified_name(type(obj))
    return "" if name.startswith("pandas.") else f" {name}"


register_hasher("pandas.DataFrame", _frame)
register_hasher("pandas.Series", _series)
register_hasher("pandas.Index", _index)
register_hasher("pandas.api.extensions.ExtensionArray", _extension_array)
