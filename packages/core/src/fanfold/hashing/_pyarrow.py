"""Hashers for pyarrow: types and values count, chunks, offsets and what nulls hide do not."""

from __future__ import annotations

import sys

from ._arrow_columns import column_of
from ._registry import register_hasher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__: list[str] = []


def _array(array: Any) -> object:
    return {"type": str(array.type), "values": column_of(array)}


def _table(table: Any) -> object:
    return {
        "names": table.column_names,
        "metadata": table.schema.metadata,
        "columns": [_array(column) for column in table.columns],
    }


def _scalar(scalar: Any) -> object:
    arrow, kind = sys.modules["pyarrow"], scalar.type
    if arrow.types.is_union(kind) or arrow.types.is_run_end_encoded(kind):  # arrow cannot repeat it
        return {"type": str(kind), "value": scalar.as_py()}
    return {"type": str(kind), "value": column_of(arrow.array([scalar], kind))}


register_hasher("pyarrow.lib.Array", _array)
register_hasher("pyarrow.lib.ChunkedArray", _array)
register_hasher("pyarrow.lib.RecordBatch", _table)
register_hasher("pyarrow.lib.Scalar", _scalar)
register_hasher("pyarrow.lib.Table", _table)
