"""Whose memory a buffer is part of."""

from __future__ import annotations

import sys
from typing import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

__all__ = ["origin_of"]


def origin_of(buffer: memoryview) -> tuple[Array, int] | None:
    """Return the array that owns a buffer's memory, and the buffer's address.

    While that array lives, what lies at the address is the same piece of memory, though its
    contents may change. None where the buffer does not come from a numpy array.
    """
    numpy = sys.modules.get("numpy")
    owner: Any = buffer.obj
    if numpy is None or not isinstance(owner, numpy.ndarray):
        return None
    address: int = owner.__array_interface__["data"][0]
    while isinstance(owner.base, numpy.ndarray):
        owner = owner.base
    return owner, address
