"""Truncated, damaged and forged files are refused, wherever the fault is."""

import io
import pickle
import struct
import tracemalloc

import numpy as np
import pytest
from fanfold.errors import CorruptFileError
from fanfold.persistence import decode, dump, encode, load
from xxhash import xxh3_64_intdigest

HUGE = 1 << 62
VALUE = {"array": np.arange(40), "odd": np.arange(5, dtype="u1"), "text": "abc" * 10}


def container(compress=0, metadata=None):
    return b"".join(encode(VALUE, compress=compress, metadata=metadata))


def header(compressor=b"", *, version=1, flags=0, metadata=b"", length=None):
    fields = struct.pack(
        "<8sHHI40s",
        b"\xffanfold\n",
        version,
        flags,
        len(metadata) if length is None else length,
        compressor,
    )
    return fields + struct.pack("<Q", xxh3_64_intdigest(fields + metadata)) + metadata


def part(stream, *, last=True, size=None):
    size = len(stream) if size is None else size
    return struct.pack("<4sIQQ", b"PART", last, size, xxh3_64_intdigest(stream)) + stream


def buffers(lengths, payload, *, size=None, position=64):
    packed = struct.pack(f"<{len(lengths)}Q", *lengths)
    size = len(payload) if size is None else size
    record = struct.pack("<4sIQQ", b"BUFS", len(lengths), size, xxh3_64_intdigest(packed))
    gap = bytes(-(position + len(record) + len(packed)) % 64)
    return record + packed + gap + payload


def sums(*contents):
    return struct.pack(f"<{len(contents)}Q", *map(xxh3_64_intdigest, contents))


def block(data, *, stored=None, size=None):
    import zlib

    packed = zlib.compress(data)
    stored = len(packed) if stored is None else stored
    return struct.pack("<II", stored, len(data) if size is None else size) + packed


NEXT_BUFFER = b"\x80\x05\x97."


@pytest.fixture(autouse=True)
def little_memory():
    """Refusing a forged file must not take memory for what it claims."""
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200 << 20


def test_the_example_of_the_specification_is_loaded():
    example = (
        "ff616e666f6c640a 0100 0000 00000000" + "00" * 40 + "0847fc66c8400ebc"
        "50415254 01000000 1500000000000000 244299afad17411b"
        "8005950a000000000000005d9443036162639461 2e"
    )

    assert decode(bytes.fromhex(example)) == [b"abc"]


def test_the_forged_parts_of_these_tests_make_a_good_file():
    data = b"12345"

    whole = header() + buffers([5], data) + sums(data) + part(NEXT_BUFFER)

    assert decode(whole) == bytearray(data)
    assert load(io.BytesIO(whole)) == bytearray(data)


@pytest.mark.parametrize("compress", [0, "zlib", "zstd", "lzma", "lz4"])
def test_a_file_cut_anywhere_is_refused(compress):
    whole = container(compress, metadata={"seconds": 1.5})

    for length in range(len(whole)):
        with pytest.raises(CorruptFileError):
            decode(whole[:length])
        with pytest.raises(CorruptFileError):
            load(io.BytesIO(whole[:length]))


class ReadOnce:
    """Only ``read``, as a network connection may have; it cannot tell what is left."""

    def __init__(self, content):
        self.read = io.BytesIO(content).read


class ReadsInto(ReadOnce):
    """And ``readinto``."""

    def __init__(self, content):
        super().__init__(content)
        self.readinto = io.BytesIO(content).readinto
        self.read = self._read

    def _read(self, size):
        buffer = bytearray(size)
        return bytes(buffer[: self.readinto(buffer)])


@pytest.mark.parametrize("kind", [ReadOnce, ReadsInto])
def test_a_stream_that_ends_anywhere_is_refused(kind):
    whole = container()
    assert load(kind(whole))["text"] == VALUE["text"]

    for length in range(len(whole)):
        with pytest.raises(CorruptFileError):
            load(kind(whole[:length]))


@pytest.mark.parametrize("compress", [0, "zlib", "gzip", "bz2", "xz", "lzma", "lz4", "zstd"])
def test_a_flipped_bit_is_noticed_unless_it_means_nothing(compress):
    whole = container(compress, metadata={"seconds": 1.5})
    refused = 0

    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        try:
            value = decode(damaged)
        except CorruptFileError:
            refused += 1
        else:
            assert value["text"] == VALUE["text"]
            np.testing.assert_array_equal(value["array"], VALUE["array"])
            np.testing.assert_array_equal(value["odd"], VALUE["odd"])

    assert refused > 0.7 * len(whole)


def test_a_flipped_bit_of_a_file_on_disk_is_noticed(tmp_path):
    path = tmp_path / "value"
    dump(np.arange(100_000), path)
    damaged = bytearray(path.read_bytes())
    damaged[500_000] ^= 1
    path.write_bytes(damaged)

    with pytest.raises(CorruptFileError, match=r"value' is damaged at byte \d+: the checksum of a"):
        load(path)


def test_bytes_behind_the_value_are_refused():
    with pytest.raises(CorruptFileError, match="3 bytes follow"):
        decode(container() + b"abc")


FORGED = {
    "another magic": (b"x" * 100, "does not start with"),
    "a later version": (header(version=2), "upgrade fanfold"),
    "unknown flags": (header(flags=2), "upgrade fanfold"),
    "long metadata": (header(length=1 << 31), "at most"),
    "an unknown record": (header() + struct.pack("<4sIQQ", b"WHAT", 0, 0, 0), "no kind of record"),
    "a huge part": (header() + part(b"", size=HUGE), "claims"),
    "a part that is not there": (header() + part(b"", size=1 << 20), "are left"),
    "a part of another kind": (header() + part(b"N.", last=2), "kind 2"),
    "no last part": (header() + part(b"\x80\x05N", last=False), "a record"),
    "no buffers in a record": (header() + buffers([], b""), "claims 0 buffers"),
    "too many buffers": (
        header() + struct.pack("<4sIQQ", b"BUFS", 1 << 31, 0, 0),
        "claims 2147483648 buffers",
    ),
    "buffers that are not there": (
        header() + struct.pack("<4sIQQ", b"BUFS", 1 << 16, 0, 0),
        "are left",
    ),
    "a huge buffer": (header() + buffers([HUGE], b""), f"should have {HUGE} bytes"),
    "a wrong sum of lengths": (
        header() + buffers([4], b"1234", size=5) + sums(b"1234"),
        "have 4 bytes, not 5",
    ),
    "a buffer too few": (header() + part(NEXT_BUFFER + b"\x97"), "damaged pickle"),
    "a buffer too many": (
        header() + buffers([0, 4], b"1234") + sums(b"", b"1234") + part(NEXT_BUFFER),
        "1 buffers belong to nothing",
    ),
    "no pickle": (header() + part(b"nonsense"), "damaged pickle"),
    "a pickle with lines": (
        header() + part(b"\x80\x05cbuiltins\n", last=False) + part(b"len\n."),
        "no lines",
    ),
    "a stream that ends early": (
        header() + part(b"\x80\x05\x8c\x09abc", last=False) + part(b"de"),
        "truncated",
    ),
    "a long string that ends early": (
        header() + part(b"\x80\x05C\xffabc", last=False) + part(b"de"),
        "truncated",
    ),
    "a stream that goes on": (
        header() + part(b"\x80\x05N.", last=False) + part(b"more"),
        "goes on behind the end",
    ),
    "a huge block": (header(b"zlib") + block(b"N.", size=1 << 31), "claims"),
    "a block of nothing": (header(b"zlib") + block(b"", size=0), "claims"),
    "a block that is not there": (header(b"zlib") + block(b"N.", stored=1 << 20), "are left"),
    "a huge compressed block": (header(b"zlib") + block(b"N.", stored=1 << 31), "claims"),
    "a block that is longer": (header(b"zlib") + block(bytes(1000), size=10), "should hold 10"),
    "a block that is shorter": (header(b"zlib") + block(bytes(10), size=1000), "should hold 1000"),
    "a huge buffer in blocks": (
        header(b"zlib") + block(buffers([1 << 40], b"")),
        "are left",
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_file_is_refused(name):
    forged, message = FORGED[name]

    with pytest.raises(CorruptFileError, match=message):
        decode(forged)


@pytest.mark.parametrize("name", [name for name in FORGED if name != "another magic"])
def test_a_forged_file_is_refused_on_disk_and_from_a_pipe(name, tmp_path):
    forged, _ = FORGED[name]
    path = tmp_path / "forged"
    path.write_bytes(forged)

    class Pipe:
        read = io.BytesIO(forged).read

    with pytest.raises(CorruptFileError):
        load(path)
    with pytest.raises(CorruptFileError):
        load(Pipe())


@pytest.mark.parametrize("compress", ["zlib", "lzma", "lz4", "zstd"])
@pytest.mark.parametrize("change", [-1, 1])
def test_a_block_that_announces_another_length_is_refused(compress, change):
    forged = bytearray(container(compress))
    forged[68:72] = struct.pack("<I", struct.unpack("<I", forged[68:72])[0] + change)

    with pytest.raises(CorruptFileError, match="in the compressed block at byte 72: it"):
        decode(forged)


def test_a_mapped_file_that_was_cut_is_refused(tmp_path):
    path = tmp_path / "value"
    dump(np.arange(10_000), path)
    path.write_bytes(path.read_bytes()[:5000])

    with pytest.raises(CorruptFileError, match="a buffer at byte"):
        load(path, mmap_mode="r")


def test_what_loading_runs_raises_its_own_errors(tmp_path):
    stream = pickle.dumps(ZeroDivisionError, 5).replace(b"ZeroDivisionError", b"ZeroDivisionErrox")

    with pytest.raises(AttributeError, match="ZeroDivisionErrox"):
        decode(header() + part(stream))
