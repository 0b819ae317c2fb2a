"""A value becomes a container, and a container a value."""

from __future__ import annotations

import io
from contextlib import closing
from pickle import Unpickler, UnpicklingError, loads
from typing import Any

from ..errors import CorruptFileError, UntrustedGlobalError
from ._arrays import is_array_rebuilder
from ._blocks import BlockSource, BlockWriter
from ._compressors import compressor_named
from ._format import HEADER_SIZE, Header, make_header, metadata_length, pack_header, parse_header
from ._records import PartStream, RecordReader, RecordWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ..contracts.store import Piece
    from ._arrays import Rebuild
    from ._compression import Compression
    from ._pickling import Sink
    from ._sources import Source
    from .safety.trust import Resolved, Trust, Trusted

__all__ = [
    "ArrayUnpickler",
    "read_body",
    "read_header",
    "trust_of",
    "unforeseen",
    "write_container",
]


def write_container(
    write: Callable[[Piece], object],
    value: object,
    pickle_value: Callable[[object, Sink], None],
    compression: Compression | None,
    metadata: Mapping[str, object] | None = None,
) -> None:
    """Write a value as a container.

    Parameters
    ----------
    write : callable
        Takes the container piece by piece: bytes, or views of the value's own memory.
    value : object
        What to write.
    pickle_value : callable
        Pickles it; from :mod:`fanfold.persistence._pickling`.
    compression : Compression or None
        How to compress the body.
    metadata : mapping, optional
        What to say in the header.
    """
    header = make_header(compression.name if compression else "", metadata)
    write(pack_header(header))
    if compression is None:
        _write_body(write, header.size, value, pickle_value)
        return
    blocks = BlockWriter(write, compression)
    with closing(blocks):
        _write_body(blocks.write, header.size, value, pickle_value)
        blocks.finish()


def _write_body(
    write: Callable[[Piece], object],
    position: int,
    value: object,
    pickle_value: Callable[[object, Sink], None],
) -> None:
    records = RecordWriter(write, position)
    pickle_value(value, records)
    records.finish()


def trust_of(trusted: Trusted) -> Trust | None:
    """Return what an argument ``trusted=`` asks for; None, as given, trusts everything.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If it is not made of names and modules.
    """
    if trusted is None:
        return None
    from .safety.trust import Trust

    return trusted if isinstance(trusted, Trust) else Trust(trusted)


def read_header(source: Source) -> Header:
    """Read header and metadata, verified."""
    start = source.take(HEADER_SIZE, "the header")
    length = metadata_length(start, source.place)
    metadata = bytes(source.take(length, "the metadata")) if length else b""
    return parse_header(start, metadata, source.place)


def read_body(
    source: Source,
    header: Header,
    arrays: Callable[[], Rebuild],
    *,
    verify: bool,
    trust: Trust | None = None,
) -> object:
    """Read the value that follows a header.

    Parameters
    ----------
    source : Source
        The container, its header read.
    header : Header
        The header.
    arrays : callable
        Called once there is an array, for the function that makes arrays of buffers.
    verify : bool
        Whether to compare the buffers with their checksums.
    trust : Trust, optional
        What the stream may import; without it, anything.
    """
    if header.compressor:
        source = BlockSource(source, compressor_named(header.compressor, source.place))
    reader = RecordReader(source, verify_buffers=verify)
    if trust is not None:
        from .safety.reading import read_rehearsed

        return read_rehearsed(reader, source, arrays, trust)
    part, last = reader.next_part()
    try:
        if last and not reader.found_buffers:
            return loads(part)
        if last:
            value = ArrayUnpickler(io.BytesIO(part), arrays, reader.buffers()).load()
        else:
            stream = PartStream(reader, part)
            value = ArrayUnpickler(stream, arrays, reader.buffers()).load()
            stream.check_used_up(source)
    except UnpicklingError as error:
        raise CorruptFileError(f"{source.place} holds a damaged pickle: {error}") from error
    reader.check_used_up()
    return value


class ArrayUnpickler(Unpickler):
    """An unpickler that makes arrays its own way.

    Parameters
    ----------
    stream : file object
        The pickle.
    arrays : callable
        Called once there is an array, for the function that makes arrays of buffers.
    buffers : iterable, optional
        What the pickle asks for out of band.
    resolved : mapping, optional
        What it may import, by module and name; without it, anything.
    """

    def __init__(
        self,
        stream: Any,
        arrays: Callable[[], Rebuild],
        buffers: Iterable[Any] | None = None,
        resolved: Resolved | None = None,
    ) -> None:
        super().__init__(stream, buffers=buffers)
        self._arrays = arrays
        self._resolved = resolved

    def find_class(self, module: str, name: str) -> Any:
        """Return a global of the stream."""
        if self._resolved is not None and (module, name) not in self._resolved:
            raise unforeseen(module, name)
        if is_array_rebuilder(module, name):
            return self._arrays()
        if self._resolved is not None:
            return self._resolved[module, name]
        return super().find_class(module, name)


def unforeseen(module: str, name: str) -> UntrustedGlobalError:
    """Return the error for a global that a pickle has not asked for in its rehearsal."""
    return UntrustedGlobalError(
        f"the pickle asks for {module}.{name} only when it runs, so it is not trusted"
    )
