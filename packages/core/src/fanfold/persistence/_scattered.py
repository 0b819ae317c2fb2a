"""Arrays whose bytes are not in one piece are gathered while they are written, not before.

Otherwise dumping such an array would take its size in memory once more.
"""

from __future__ import annotations

import sys
from pickle import PickleBuffer
from typing import Any

from ._format import STRIDE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

__all__ = ["Scattered", "contents_of", "scattered_buffer"]


class Scattered:
    """The bytes of an array, in C order.

    Parameters
    ----------
    array : numpy.ndarray
        One without Python objects.
    """

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self._array = array

    def __len__(self) -> int:
        return self._array.nbytes

    def stretches(self) -> Iterator[bytes]:
        """Iterate over the bytes, `STRIDE` or so at a time."""
        count = max(1, STRIDE // self._array.itemsize)
        flags = ("external_loop", "buffered")
        # An array exists, so numpy has been imported.
        for stretch in sys.modules["numpy"].nditer(self._array, flags, order="C", buffersize=count):
            yield stretch.tobytes()


class _Placeholder(bytearray):
    """What a pickler, which takes only buffers, is given in the place of one."""

    contents: Scattered


def scattered_buffer(array: np.ndarray[Any, Any]) -> PickleBuffer:
    """Return an empty buffer that stands for an array's bytes."""
    placeholder = _Placeholder()
    placeholder.contents = Scattered(array)
    return PickleBuffer(placeholder)


def contents_of(view: memoryview) -> Scattered | memoryview:
    """Return what an empty buffer stands for, which is itself unless it is a placeholder."""
    return view.obj.contents if isinstance(view.obj, _Placeholder) else view
