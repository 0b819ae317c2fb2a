"""Values are read once their pickles have been rehearsed: containers, and files of others."""

from __future__ import annotations

import io
from contextlib import contextmanager

from ...errors import CorruptFileError, FanfoldError
from .._container import ArrayUnpickler
from .._inflating import Rest, inflating
from .._sources import bytes_left
from .opcodes import OpcodeReader
from .rehearsal import rehearse
from .trust import Permits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from .._arrays import Rebuild
    from .._records import RecordReader
    from .._sources import Source
    from .trust import Resolved, Trust

__all__ = ["read_rehearsed", "rebuilding", "rehearse_foreign"]


def read_rehearsed(
    reader: RecordReader, source: Source, arrays: Callable[[], Rebuild], trust: Trust
) -> object:
    """Return the value of a container's records, which may import only what is trusted.

    Raises
    ------
    fanfold.errors.UntrustedGlobalError
        If it would import something else.
    fanfold.errors.CorruptFileError
        If it is truncated or damaged.
    """
    stream = reader.whole_stream()
    opcodes = OpcodeReader(io.BytesIO(stream), source.place, len(stream))
    permits = Permits(trust, source.place)
    rehearse(opcodes, permits, iter(reader.buffer_sizes()))
    if opcodes.position < len(stream):
        raise source.corrupt("the stream goes on behind the end of the pickle")
    resolved = permits.resolved()
    with rebuilding(source.place):
        value = ArrayUnpickler(io.BytesIO(stream), arrays, reader.buffers(), resolved).load()
    reader.check_used_up()
    return value


@contextmanager
def rebuilding(place: str) -> Iterator[None]:
    """Have what goes wrong while a rehearsed pickle runs say which file is at fault."""
    try:
        yield
    except (FanfoldError, MemoryError):
        raise
    except Exception as error:  # whatever the classes make of their states
        raise CorruptFileError(
            f"{place} holds a value that cannot be rebuilt: {type(error).__name__}: {error}"
        ) from error


def rehearse_foreign(
    stream: BinaryIO | Rest, start: bytes, place: str, trust: Trust
) -> tuple[BinaryIO, Resolved]:
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
        return io.BytesIO(heard.data), permits.resolved()
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
