"""Hashers for pandas: by value, whatever the blocks, caches and layouts inside.

The names are fixed, because pandas 3 moved most of its classes.
"""

from __future__ import annotations

from ._names import qualified_name
from ._registry import register_hasher
from ._words import Tagged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__: list[str] = []


def _frame(frame: Any) -> object:
    # `_metadata` names the attributes that a subclass adds, such as the geometry of geopandas.
    return Tagged(
        f"pandas.DataFrame{_subclass(frame)}",
        {
            "columns": frame.columns,
            "index": frame.index,
            "values": [_values(column) for _, column in frame.items()],
            "attrs": frame.attrs or None,
            "own": {name: getattr(frame, name, None) for name in frame._metadata},
        },
    )


def _series(series: Any) -> object:
    return Tagged(
        f"pandas.Series{_subclass(series)}",
        {
            "name": series.name,
            "index": series.index,
            "values": _values(series),
            "attrs": series.attrs or None,
        },
    )


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
    if type(dtype).__module__.startswith("numpy"):
        return column.to_numpy()
    array = getattr(column, "array", column)
    if hasattr(array, "categories"):
        return "category", array.categories, bool(array.ordered), array.codes
    if hasattr(array, "asi8"):  # dates with a time zone, periods
        return str(dtype), array.asi8
    missing = array.isna()
    if dtype.kind in "iufb" and hasattr(dtype, "numpy_dtype"):  # what a mask hides does not count
        return str(dtype), array.to_numpy(dtype=dtype.numpy_dtype, na_value=0), missing
    objects = array.to_numpy(dtype=object, na_value=None) if missing.any() else array.astype(object)
    return str(dtype), objects


def _subclass(obj: Any) -> str:
    name = qualified_name(type(obj))
    return "" if name.startswith("pandas.") else f" {name}"


register_hasher("pandas.DataFrame", _frame)
register_hasher("pandas.Series", _series)
register_hasher("pandas.Index", _index)
register_hasher("pandas.api.extensions.ExtensionArray", _extension_array)
