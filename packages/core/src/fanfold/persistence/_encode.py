"""Values as bytes, and entries as values: what stores and caches use."""

from __future__ import annotations

from functools import partial

from ._arrays import copied_array
from ._compression import Compress, choose_compression
from ._container import read_body, read_header, trust_of, write_container
from ._format import METADATA_PREFIX, parse_metadata
from ._pickling import PICKLING_FAILURES, pickle_by_name, pickle_by_value, unpicklable
from ._sources import MemorySource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..contracts.store import Piece
    from .safety.trust import Trusted

__all__ = ["METADATA_PREFIX", "decode", "encode", "read_metadata"]


def encode(
    value: object, *, compress: Compress = 0, metadata: Mapping[str, object] | None = None
) -> list[Piece]:
    """Return the container of a value, in pieces; what they join to is what ``dump`` writes.

    Large arrays are views of the value's own memory, not copies: use the pieces before the value
    changes. Functions and classes are stored by name, unless one has none that can be imported:
    then all such are stored by their code.

    Parameters
    ----------
    value : object
        Anything that cloudpickle takes.
    compress : int, bool, str or tuple, default=0
        As in :func:`fanfold.dump`.
    metadata : mapping, optional
        What :func:`read_metadata` should find: text, numbers, lists and dictionaries of these; up
        to 16,320 bytes as JSON.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If `compress` or `metadata` will not do.
    pickle.PicklingError
        If the value cannot be pickled; the message names the part at fault.
    """
    compression = choose_compression(compress)
    pieces: list[Piece] = []
    try:
        write_container(pieces.append, value, pickle_by_name, compression, metadata)
    except PICKLING_FAILURES:
        pieces.clear()
        try:
            write_container(pieces.append, value, pickle_by_value, compression, metadata)
        except PICKLING_FAILURES as error:
            raise unpicklable(value, error) from error
    return pieces


def decode(data: Piece, *, place: str = "the data", trusted: Trusted = None) -> object:
    """Return the value of a container that is in memory; it keeps no reference to `data`.

    Parameters
    ----------
    data : bytes-like
        The whole container.
    place : str, default="the data"
        What to call it in messages.
    trusted : iterable of str or module, Trust, or None, default=None
        What it may import, as in :func:`fanfold.load`.

    Raises
    ------
    fanfold.errors.CorruptFileError
        If it is truncated, damaged, or no container.
    fanfold.errors.UntrustedGlobalError
        If it would import what is not trusted.
    """
    trust = trust_of(trusted)
    source = MemorySource(data, place)
    header = read_header(source)
    arrays = partial(copied_array, native=False)
    value = read_body(source, header, arrays, verify=not header.unchecked, trust=trust)
    if source.left:
        raise source.corrupt(f"{source.left} bytes follow the end of the value")
    return value


def read_metadata(data: Piece, *, place: str = "the data") -> Mapping[str, object]:
    """Return the metadata of a container, of which the first `METADATA_PREFIX` bytes suffice.

    Raises
    ------
    fanfold.errors.CorruptFileError
        If header or metadata is truncated or damaged.
    """
    return parse_metadata(read_header(MemorySource(data, place)).metadata, place)
