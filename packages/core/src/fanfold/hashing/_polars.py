"""Hashers for polars: dtypes and values count, chunks do not."""

from __future__ import annotations

from ._registry import register_hasher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__: list[str] = []


def _series(series: Any) -> object:
    return {"name": series.name, "dtype": str(series.dtype), "values": _values(series)}


def _frame(frame: Any) -> object:
    return {"height": frame.height, "columns": frame.get_columns()}


def _lazy_frame(_: Any) -> object:
    raise TypeError("a LazyFrame is a plan, not a value; hash what its collect() returns")


def _values(series: Any) -> object:
    if series.dtype.is_numeric() and not series.dtype.is_decimal() and not series.null_count():
        return series.to_numpy()
    return series.to_list()


register_hasher("polars.dataframe.frame.DataFrame", _frame)
register_hasher("polars.lazyframe.frame.LazyFrame", _lazy_frame)
register_hasher("polars.series.series.Series", _series)
