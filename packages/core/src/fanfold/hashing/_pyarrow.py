"""Hashers for pyarrow: types and values count, chunks, offsets and what nulls hide do not."""

from __future__ import annotations

from ._registry import register_hasher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__: list[str] = []


def _array(array: Any) -> object:
    return {"type": str(array.type), "values": _values(array)}


def _table(table: Any) -> object:
    return {
        "names": table.column_names,
        "metadata": table.schema.metadata,
        "columns": [_array(column) for column in table.columns],
    }


def _scalar(scalar: Any) -> object:
    return {"type": str(scalar.type), "value": scalar.as_py()}


def _values(array: Any) -> object:
    kind = str(array.type)
    if array.null_count == 0 and kind.startswith(("int", "uint", "float", "double", "halffloat")):
        return (
            array.to_numpy() if hasattr(array, "chunks") else array.to_numpy(zero_copy_only=False)
        )
    return array.to_pylist()


register_hasher("pyarrow.lib.Array", _array)
register_hasher("pyarrow.lib.ChunkedArray", _array)
register_hasher("pyarrow.lib.RecordBatch", _table)
register_hasher("pyarrow.lib.Scalar", _scalar)
register_hasher("pyarrow.lib.Table", _table)
