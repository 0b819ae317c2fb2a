"""Whether a container is whole: every checksum is compared, and nothing is unpickled."""

from __future__ import annotations

from typing import cast

from ..errors import CorruptFileError
from ._blocks import BlockSource
from ._compressors import compressor_named
from ._container import read_header
from ._records import RecordReader
from ._sources import MemorySource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contracts.store import Piece
    from ._sources import See, Source

__all__ = ["verify"]


def verify(data: Piece, *, place: str = "the data") -> None:
    """Read a container that is in memory to its end.

    Nothing of it runs and nothing that it names is imported, so it may come from anybody. That it
    is whole does not mean that its value can be unpickled here.

    Parameters
    ----------
    data : bytes-like
        The whole container.
    place : str, default="the data"
        What to call it in messages.

    Raises
    ------
    fanfold.errors.CorruptFileError
        If it is truncated, damaged, or no container.
    fanfold.errors.MissingExtraError
        If the library of its compression method is not installed.
    """
    whole = _Views(data, place)
    source: Source = whole
    header = read_header(source)
    if header.compressor:
        source = BlockSource(source, compressor_named(header.compressor, place))
    reader = RecordReader(source, verify_buffers=not header.unchecked)
    is_last = False
    while not is_last:
        _, is_last = reader.next_part()
        for _ in reader.buffers():
            pass  # compared; let go of
    left = cast("int", whole.left)
    if left:
        raise CorruptFileError(f"{place} is damaged: {left} bytes follow the end of the value")


class _Views(MemorySource):
    """A container that is in memory, whose buffers are looked at where they are."""

    def receive(self, size: int, what: str, see: See | None = None) -> memoryview:
        view = self.take(size, what)
        if see is not None:
            see(view)
        return view
