"""Files of others are rehearsed before they are loaded, from a pipe too."""

from __future__ import annotations

from ._inflating import Rest, inflating
from ._opcodes import OpcodeReader
from ._rehearsal import rehearse
from ._sources import bytes_left
from ._trust import Permits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ._trust import Resolved, Trust

__all__ = ["rehearse_foreign"]


def rehearse_foreign(
    stream: BinaryIO | Rest, start: bytes, place: str, trust: Trust
) -> tuple[BinaryIO | Rest, Resolved]:
    """Rehearse a file of joblib or pickle.

    Parameters
    ----------
    stream : file object
        The file, at its first byte.
    start : bytes
        What it starts with.
    place : str
        What to call it in messages.
    trust : Trust
        What it may import.

    Returns
    -------
    stream : file object
        The file, at its first byte again.
    resolved : mapping
        What it imports.

    Raises
    ------
    fanfold.errors.UntrustedGlobalError
        If it would import what is not trusted.
    fanfold.errors.CorruptFileError
        If it is no pickle, or is truncated or damaged.
    """
    permits = Permits(trust, place, joblib_arrays=True)
    if isinstance(stream, Rest):
        heard = _Heard(stream)
        _follow(heard, start, place, permits)
        return Rest(stream, bytes(heard.data)), permits.resolved()
    position = stream.tell()
    _follow(stream, start, place, permits)
    stream.seek(position)
    return stream, permits.resolved()


def _follow(stream: BinaryIO | Rest | _Heard, start: bytes, place: str, permits: Permits) -> None:
    inflated = inflating(stream, start, place)
    left = None if inflated is not None else bytes_left(stream)
    ahead = not isinstance(stream, _Heard)
    rehearse(OpcodeReader(inflated or stream, place, left, read_ahead=ahead), permits)


class _Heard:
    """A pipe, and what was read from it, since it cannot be read twice."""

    def __init__(self, stream: Rest) -> None:
        self._stream = stream
        self.data = bytearray()

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self.data += data
        return data

    def readline(self, size: int, /) -> bytes:
        line = self._stream.readline(size)
        self.data += line
        return line
