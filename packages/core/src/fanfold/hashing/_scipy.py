"""Hasher for the sparse matrices and arrays of scipy."""

from __future__ import annotations

from ._registry import register_hasher
from ._words import Tagged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__: list[str] = []


def _sparse(matrix: Any) -> object:
    """Return format, shape and entries in one order, each place once, as 64-bit coordinates."""
    entries = matrix.tocoo(copy=True)
    entries.sum_duplicates()
    coordinates = getattr(entries, "coords", None) or (entries.row, entries.col)
    return Tagged(
        f"scipy.sparse.{type(matrix).__name__}",
        {
            "shape": tuple(matrix.shape),
            "coordinates": [axis.astype("int64") for axis in coordinates],
            "values": entries.data,
        },
    )


register_hasher("scipy.sparse._base._spbase", _sparse)
register_hasher("scipy.sparse._base.spmatrix", _sparse)  # its name before scipy 1.11
