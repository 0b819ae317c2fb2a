"""Whose memory a buffer is."""

from __future__ import annotations

import sys
from typing import Any

from ._files import MappedFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

__all__ = ["origin_of"]


def origin_of(buffer: memoryview) -> tuple[Array | MappedFile, int] | None:
    """Return the array or mapped memory that owns a buffer, and where the buffer is.

    While that owner lives, what is there is the same piece of memory, though its contents may
    change. None where the buffer is of another kind.
    """
    numpy = sys.modules.get("numpy")
    owner: Any = buffer.obj
    if isinstance(owner, MappedFile):
        return owner, 0
    if numpy is None or not isinstance(owner, numpy.ndarray):
        return None
    address: int = owner.__array_interface__["data"][0]
    while isinstance(owner.base, numpy.ndarray):
        owner = owner.base
    return owner, address
