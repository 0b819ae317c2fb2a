"""One bit pattern for every NaN.

The sign of a NaN that a division made depends on the processor, its other bits on where it came
from, and no comparison tells them apart. Looking for one takes as long as hashing: 18 µs for the
megabyte that hashing has just brought into the cache.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    import numpy as np

    from ._algorithms import Piece

__all__ = ["nan_cleaner"]


def nan_cleaner(dtype: np.dtype[Any]) -> Callable[[Piece], Piece] | None:
    """Return what makes the NaNs equal in bytes of a dtype, or None where there can be none."""
    if dtype.kind not in "fc":
        return None
    # Complex numbers are two floats each.
    component = f"{dtype.byteorder}f{dtype.itemsize // (2 if dtype.kind == 'c' else 1)}"

    def clean(piece: Piece) -> Piece:
        values = sys.modules["numpy"].frombuffer(piece, component)
        return with_one_nan(values).view("u1").data if _has_nan(values) else piece

    return clean


def _has_nan(values: np.ndarray[Any, Any]) -> bool:
    """Tell whether there is a NaN among floats."""
    np = sys.modules["numpy"]
    if not values.size:
        return False
    if values.itemsize == 2:  # numpy takes 100 times as long for these as for their bits
        bits = values.view(f"{values.dtype.byteorder}u2")
        signed = values.view(f"{values.dtype.byteorder}i2")
        infinity = 0x7C00  # what lies above is NaN, in either half of the numbers
        return bool(
            np.maximum.reduce(signed) > infinity or np.maximum.reduce(bits) > infinity | 0x8000
        )
    with np.errstate(invalid="ignore"):  # as a NaN that "signals" would raise
        greatest = np.maximum.reduce(values)
    return bool(greatest != greatest)


def with_one_nan(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a copy of floats in which all NaNs are Python's."""
    np = sys.modules["numpy"]
    cleaned = values.copy()
    cleaned[np.isnan(values)] = np.nan
    return cleaned
