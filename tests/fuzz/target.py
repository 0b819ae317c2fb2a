"""What the fuzzers do with their inputs, and what counts as a finding.

The first byte of an input chooses how the rest is read. Every way must end with a value or with an
error that fanfold raises on purpose: no crash, no hang, no other exception.
"""

from __future__ import annotations

import io
import os
import struct
import tempfile
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fanfold.errors import (
    CorruptFileError,
    InvalidArgumentError,
    MissingExtraError,
    UntrustedGlobalError,
)
from fanfold.persistence import decode, load, read_metadata
from fanfold.persistence.safety import hurrying
from fanfold.persistence.safety.guarding import GuardedStream, check_undamaged
from fanfold.persistence.safety.inspection import inspect_file
from xxhash import xxh3_64_intdigest

REFUSALS = (CorruptFileError, InvalidArgumentError, MissingExtraError, UntrustedGlobalError)


hurrying._WORTH_IT = 0  # else short inputs would never reach what passes over plain values


class Finding(Exception):
    """A file did something that no file may do."""


def check(data: bytes) -> None:
    """Read an input in the way that its first byte asks for."""
    if not data:
        return
    way = WAYS[data[0] % len(WAYS)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy's, of old names
        try:
            way(data[1:])
        except UntrustedGlobalError as error:
            if "only when it runs" in str(error):
                raise Finding("the rehearsal has missed what the pickle imports") from error
        except REFUSALS:
            pass


def read_file(data: bytes) -> None:
    load(io.BytesIO(data), trusted=["numpy"])


def read_pipe(data: bytes) -> None:
    class Pipe:
        read = io.BytesIO(data).read

    load(Pipe(), trusted=["numpy"])


def read_entry(data: bytes) -> None:
    read_metadata(data)
    decode(data, trusted=["numpy"])


def read_stream(data: bytes) -> None:
    """Take the input for the pickle of a container, and its end for the buffers."""
    decode(container(data), trusted=["numpy"])


def read_blocks(data: bytes) -> None:
    """The same in a container that is compressed."""
    body = records(data)
    blocks = b"".join(
        struct.pack("<II", len(packed), len(piece)) + packed
        for piece in (body[start : start + 100] for start in range(0, len(body), 100))
        for packed in [zlib.compress(piece, 1)]
    )
    load(io.BytesIO(header(b"zlib") + blocks), trusted=["numpy"])


def read_body(data: bytes) -> None:
    """Take the input for what follows the header, its checksums put right."""
    load(io.BytesIO(header() + with_right_checksums(data)), trusted=["numpy"])


def read_compressed(data: bytes) -> None:
    load(io.BytesIO(zlib.compress(data, 1)), trusted=["numpy"])


def map_file(data: bytes) -> None:
    with on_disk(data) as path:
        load(path, mmap_mode="r", trusted=["numpy"])


def inspect(data: bytes) -> None:
    with on_disk(data) as path:
        inspect_file(path)


def inspect_stream(data: bytes) -> None:
    with on_disk(container(data)) as path:
        inspect_file(path)


def guard(data: bytes) -> None:
    """Look for damage only: what may run anything is not run here."""
    check_undamaged(io.BytesIO(data), "the input")


def guard_pipe(data: bytes) -> None:
    """The same with what can be read once, of which nothing but data may be lost."""
    stream = GuardedStream(io.BytesIO(data), "the input", read_ahead=True)
    read = b""
    while piece := stream.read(100):
        read += piece
    if not data.startswith(read):
        raise Finding("something else arrives than was read")


WAYS = [
    read_file,
    read_stream,
    read_body,
    read_entry,
    read_pipe,
    read_blocks,
    read_compressed,
    map_file,
    inspect,
    inspect_stream,
    guard,
    guard_pipe,
]


@contextmanager
def on_disk(data: bytes) -> Iterator[str]:
    with tempfile.NamedTemporaryFile(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as file:
        file.write(data)
        file.flush()
        yield file.name


def header(compressor: bytes = b"") -> bytes:
    fields = struct.pack("<8sHHI40s", b"\xffanfold\n", 1, 0, 0, compressor)
    return fields + struct.pack("<Q", xxh3_64_intdigest(fields))


def container(data: bytes) -> bytes:
    return header() + records(data)


def records(data: bytes) -> bytes:
    """Return a body of buffers, of lengths that the last bytes of the input give, and a stream."""
    lengths = list(data[-4:])
    contents = [bytes(length) for length in lengths]
    packed = struct.pack(f"<{len(lengths)}Q", *lengths)
    gap = bytes(-(64 + 24 + len(packed)) % 64)
    body = b""
    for content in contents:
        body += bytes(-len(body) % 64) + content
    record = struct.pack("<4sIQQ", b"BUFS", len(lengths), len(body), xxh3_64_intdigest(packed))
    sums = struct.pack(f"<{len(contents)}Q", *map(xxh3_64_intdigest, contents))
    stream = data[:-4]
    part = struct.pack("<4sIQQ", b"PART", 1, len(stream), xxh3_64_intdigest(stream)) + stream
    buffers = record + packed + gap + body + sums if lengths else b""
    return buffers + part


def with_right_checksums(body: bytes) -> bytes:
    """Put the checksums right that can be found, so that what is behind them is reached."""
    right = bytearray(body)
    position = 0
    while position + 24 <= len(right):
        kind, count, size, _ = struct.unpack_from("<4sIQQ", right, position)
        covered = right[position + 24 :][: size if kind == b"PART" else 8 * count]
        struct.pack_into("<Q", right, position + 16, xxh3_64_intdigest(covered))
        if kind != b"PART":
            break
        position += 24 + size
    return bytes(right)


def seeds() -> list[bytes]:
    """Return inputs to begin with: the committed vectors, read in each way."""
    root = Path(__file__).parents[2] / "packages/core/tests/persistence/vectors"
    files = [path.read_bytes() for path in sorted(root.glob("*.fan"))]
    whole = [bytes([way]) + data for data in files for way in (0, 3, 7, 8) if len(data) < 2000]
    return [*whole, *(bytes([2]) + data[64:] for data in files if len(data) < 2000)]
