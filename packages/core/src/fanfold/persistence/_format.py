"""The container's fixed structures: header and records, packed and parsed.

``docs/reference/container-format.md`` specifies them byte by byte.
"""

from __future__ import annotations

import json
from struct import Struct, pack, unpack
from types import MappingProxyType
from typing import NamedTuple

from xxhash import xxh3_64 as streamed_checksum, xxh3_64_intdigest as checksum

from ..errors import CorruptFileError, InvalidArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..contracts.store import Piece

__all__ = [
    "ALIGNMENT",
    "BLOCK",
    "BLOCK_SIZE",
    "BUFFERS",
    "HEADER_SIZE",
    "LARGEST_BLOCK",
    "LARGEST_PART",
    "MAGIC",
    "METADATA_PREFIX",
    "MOST_BUFFERS",
    "NUMBER_SIZE",
    "PART",
    "PART_SIZE",
    "RECORD",
    "STRIDE",
    "Header",
    "checksum",
    "make_header",
    "metadata_length",
    "pack_header",
    "pack_numbers",
    "padding",
    "parse_header",
    "parse_metadata",
    "streamed_checksum",
    "unpack_numbers",
]

MAGIC = b"\xffanfold\n"
VERSION = 1
METADATA_PREFIX = 16 * 1024
"""Header and metadata always fit in a file's first so many bytes."""

ALIGNMENT = 64
PART, BUFFERS = b"PART", b"BUFS"
PART_SIZE = BLOCK_SIZE = 1 << 20
LARGEST_PART = LARGEST_BLOCK = 1 << 24  # a reader takes more than the writer makes, up to here
MOST_BUFFERS = 1 << 16

STRIDE = 1 << 18
"""Large buffers are read and written in stretches of so many bytes, which are in the processor's
cache when their checksum is taken: 10 ms for 200 MB, where it takes 25 ms from memory."""

RECORD = Struct("<4sIQQ")
NUMBER_SIZE = 8
BLOCK = Struct("<II")
_FIELDS = Struct("<8sHHI40s")
_CHECKSUM = Struct("<Q")
HEADER_SIZE = _FIELDS.size + _CHECKSUM.size
_UNCHECKED = 1
_NO_METADATA: Mapping[str, object] = MappingProxyType({})
# json.dumps would make a new encoder for each entry, which takes 5 µs.
_to_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class Header(NamedTuple):
    """What the beginning of a container says of the rest.

    Attributes
    ----------
    compressor : str, default=""
        The name of what compressed the body; empty where nothing did.
    metadata : bytes, default=b""
        A JSON object in UTF-8, or nothing.
    unchecked : bool, default=False
        Whether the buffers' checksums no longer count, since the file was mapped for writing.
    """

    compressor: str = ""
    metadata: bytes = b""
    unchecked: bool = False

    @property
    def size(self) -> int:
        """How many bytes header and metadata take."""
        return HEADER_SIZE + len(self.metadata)

    def with_unchecked_buffers(self) -> Header:
        """Return the header of the same file once it is mapped for writing."""
        return self._replace(unchecked=True)


def pack_header(header: Header) -> bytes:
    """Return the bytes of header and metadata."""
    fields = _FIELDS.pack(
        MAGIC,
        VERSION,
        _UNCHECKED if header.unchecked else 0,
        len(header.metadata),
        header.compressor.encode(),
    )
    return fields + _CHECKSUM.pack(checksum(fields + header.metadata)) + header.metadata


def make_header(compressor: str, metadata: Mapping[str, object] | None) -> Header:
    """Return the header for a new container.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If the metadata cannot be written as JSON, or is too long.
    """
    if not metadata:
        return Header(compressor)
    try:
        text = _to_json(dict(metadata))
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(
            f"metadata {metadata!r} cannot be written as JSON: {error}; use text, numbers, lists "
            "and dictionaries of these"
        ) from error
    header = Header(compressor, text.encode("utf-8", "surrogatepass"))
    if header.size > METADATA_PREFIX:
        raise InvalidArgumentError(
            f"metadata takes {len(header.metadata)} bytes as JSON, but at most "
            f"{METADATA_PREFIX - HEADER_SIZE} have room; shorten its longest values"
        )
    return header


def metadata_length(start: Piece, place: str) -> int:
    """Return how many bytes of metadata follow the first `HEADER_SIZE` bytes of a file.

    Parameters
    ----------
    start : bytes-like
        These.
    place : str
        What to call the file in messages.

    Raises
    ------
    fanfold.errors.CorruptFileError
        If this is no container, or one of a later version.
    """
    magic, version, flags, length, _ = _FIELDS.unpack_from(start)
    if magic != MAGIC:
        raise CorruptFileError(
            f"{place} does not start with {MAGIC!r} but with {magic!r}: it is not a file that "
            "fanfold wrote"
        )
    if version != VERSION or flags & ~_UNCHECKED:
        raise CorruptFileError(
            f"{place} has format version {version} and flags {flags:#x}, but this fanfold reads "
            f"version {VERSION} and flags up to {_UNCHECKED:#x}: upgrade fanfold, or the file is "
            "damaged"
        )
    if length > METADATA_PREFIX - HEADER_SIZE:
        raise CorruptFileError(
            f"{place} claims {length} bytes of metadata at byte 12, but there can be at most "
            f"{METADATA_PREFIX - HEADER_SIZE}"
        )
    return int(length)


def parse_header(start: Piece, metadata: bytes, place: str) -> Header:
    """Return the header, its checksum verified.

    Parameters
    ----------
    start : bytes-like
        The first `HEADER_SIZE` bytes of the file, which :func:`metadata_length` has seen.
    metadata : bytes
        The metadata.
    place : str
        What to call the file in messages.
    """
    (expected,) = _CHECKSUM.unpack_from(start, _FIELDS.size)
    if checksum(bytes(start[: _FIELDS.size]) + metadata) != expected:
        raise CorruptFileError(
            f"{place} is damaged in its header or metadata (bytes 0 to "
            f"{HEADER_SIZE + len(metadata)}): their checksum is not {expected:#018x}"
        )
    _, _, flags, _, name = _FIELDS.unpack_from(start)
    compressor = name.rstrip(b"\0").decode("utf-8", "replace")
    return Header(compressor, metadata, bool(flags & _UNCHECKED))


def parse_metadata(metadata: bytes, place: str) -> Mapping[str, object]:
    """Return the metadata of a header as a dictionary, empty where there is none."""
    if not metadata:
        return _NO_METADATA
    try:
        parsed = json.loads(metadata)
    except (ValueError, RecursionError) as error:
        raise CorruptFileError(f"{place} has metadata that is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise CorruptFileError(
            f"{place} has metadata that is a {type(parsed).__name__}, not a JSON object"
        )
    return parsed


def padding(position: int) -> int:
    """Return how many bytes are missing from `position` to the next aligned one."""
    return -position % ALIGNMENT


def pack_numbers(numbers: list[int]) -> bytes:
    """Return 8 bytes for each number."""
    return pack(f"<{len(numbers)}Q", *numbers)


def unpack_numbers(packed: Piece) -> tuple[int, ...]:
    """Return the numbers that :func:`pack_numbers` packed."""
    return unpack(f"<{len(packed) // NUMBER_SIZE}Q", packed)
