"""Hashers for polars: dtypes and values count, chunks and what nulls hide do not.

As arrow's arrays, each series is told as its length, which places are null, and the values that are
not. They are read through numpy, and not through arrow, which need not be there.
"""

from __future__ import annotations

import sys

from ._registry import register_hasher
from ._texts import text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__: list[str] = []


def _series(series: Any) -> object:
    return {"name": series.name, "dtype": _dtype(series.dtype), "values": _column(series)}


def _frame(frame: Any) -> object:
    return {"height": frame.height, "columns": frame.get_columns()}


def _lazy_frame(_: Any) -> object:
    raise TypeError("a LazyFrame is a plan, not a value; hash what its collect() returns")


def _dtype(dtype: Any) -> str:
    # How categories are kept is the version's business; those of an Enum are part of its dtype.
    is_categorical = dtype == sys.modules["polars"].Categorical
    return "Categorical" if is_categorical else str(dtype)


def _column(series: Any) -> object:
    if not series.null_count():
        return len(series), None, _present(series)
    return len(series), series.is_null().to_numpy(), _present(series.drop_nulls())


def _present(series: Any) -> object:
    """Return a stand-in for the values of a series in which none is missing."""
    polars, dtype = sys.modules["polars"], series.dtype
    if dtype == polars.Categorical or dtype == polars.Enum:
        series, dtype = series.cast(polars.String), polars.String
    if dtype == polars.String:
        lengths = series.str.len_bytes().cast(polars.Int64).to_numpy()
        return text_of(lengths, series.str.join("").item().encode())
    if dtype == polars.Struct:
        return [_column(series.struct.field(name)) for name in series.struct.fields]
    if dtype == polars.List:
        lengths = series.list.len().cast(polars.Int64)
        # An empty list would explode to a null.
        return lengths.to_numpy(), _column(series.filter(lengths > 0).explode())
    if dtype == polars.Array:
        return _column(series.explode())
    if dtype.is_temporal():
        return series.to_physical().to_numpy()
    if dtype == polars.Boolean or (dtype.is_numeric() and not dtype.is_decimal()):
        return series.to_numpy()
    return series.to_list()


register_hasher("polars.dataframe.frame.DataFrame", _frame)
register_hasher("polars.lazyframe.frame.LazyFrame", _lazy_frame)
register_hasher("polars.series.series.Series", _series)
