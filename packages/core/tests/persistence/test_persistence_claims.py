"""What a file claims costs no memory: only what it has, and honestly declares, does."""

import bz2
import gzip
import io
import lzma
import pickle
import struct
import subprocess
import sys
import zlib

import joblib
import numpy as np
import pytest
from fanfold.errors import CorruptFileError
from fanfold.persistence import Compressor, encode, load, register_compressor

LIMIT = 60 << 20

# In a process of its own, whose memory has a limit in earnest; it is told how much it may take.
UNDER_A_LIMIT = """
import io, resource, sys
import numpy
from fanfold.errors import CorruptFileError
from fanfold.persistence import load

room, trust, good, *paths = sys.argv[1:]
trusted = ["numpy"] if trust == "trusted" else None
load(good, trusted=trusted)  # what is imported on the way is imported now
with open("/proc/self/statm") as numbers:
    used = int(numbers.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + int(room),) * 2)

class Pipe:
    def __init__(self, path):
        self.read = open(path, "rb", buffering=0).read

for path in paths:
    for source in (path, open(path, "rb"), Pipe(path)):
        try:
            load(source, trusted=trusted)
        except CorruptFileError as error:
            print("refused")
        else:
            print("loaded")
"""


def claims(opcode, form, size, protocol=5):
    return b"\x80" + bytes([protocol]) + opcode + struct.pack(form, size) + b"abc."


def array_of_joblib(length):
    file = io.BytesIO()
    joblib.dump(np.zeros(3, "i1"), file, protocol=2)
    shape = b"\x8a\x08" + struct.pack("<q", length)
    return file.getvalue().replace(b"K\x03\x85q", shape + b"\x85q")


CLAIMS = {
    "text": claims(b"\x8d", "<Q", 1 << 33),
    "bytes": claims(b"\x8e", "<Q", 1 << 33),
    "a bytearray": claims(b"\x96", "<Q", 1 << 33),
    "a frame": claims(b"\x95", "<Q", 1 << 33, 4),
    "a memo": b"\x80\x02Nr" + struct.pack("<I", 1 << 28) + b".",
    "a number": claims(b"\x8b", "<I", (1 << 31) - 1),
    "an array of joblib": array_of_joblib(1 << 33),
    "a bytearray of zeros": b"cbuiltins\nbytearray\n(I8000000000\ntR.",
    "an array": b"cnumpy._core.multiarray\n_reconstruct\n"
    b"(cnumpy\nndarray\n(I8000000000\ntC\x01btR.",
}


def load_with_little_memory(paths, trust):
    """Return what becomes of each file, from its path, as an open file, and from a pipe."""
    good = paths[0].with_name("good")
    good.write_bytes(array_of_joblib(3))
    done = subprocess.run(
        [sys.executable, "-c", UNDER_A_LIMIT, str(LIMIT), trust, good, *paths],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("compress", [bytes, zlib.compress, gzip.compress])
def test_a_claim_costs_no_memory(compress, tmp_path):
    paths = [tmp_path / name for name in CLAIMS]
    for path in paths:
        path.write_bytes(compress(CLAIMS[path.name]))

    assert load_with_little_memory(paths, "trusted") == ["refused"] * 3 * len(CLAIMS)


@pytest.fixture(scope="module")
def bombs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bombs")
    content = pickle.dumps([1]) + bytes(LIMIT)
    for compress in (zlib.compress, gzip.compress, bz2.compress, lzma.compress):
        (folder / compress.__module__).write_bytes(compress(content))
    return list(folder.iterdir())


@pytest.mark.parametrize("trust", ["trusted", "anything"])
def test_what_follows_a_compressed_value_is_not_unpacked(trust, bombs):
    assert load_with_little_memory(bombs, trust) == ["loaded"] * 3 * len(bombs)


@pytest.mark.parametrize("method", ["zlib", "gzip", "bz2", "xz", "lzma", "lz4", "zstd"])
def test_a_block_never_becomes_more_than_it_declares(method):
    whole = bytearray(b"".join(encode(bytes(1 << 20), compress=method)))
    stored, size = struct.unpack_from("<II", whole, 64)
    struct.pack_into("<II", whole, 64, stored, size // 2)

    with pytest.raises(CorruptFileError, match="compressed block"):
        load(io.BytesIO(whole))


def test_a_compressed_buffer_grows_only_with_what_is_there():
    array = np.zeros(70 << 20, "u1")
    whole = b"".join(encode(array, compress=1))

    assert load(io.BytesIO(whole), trusted=["numpy"]).nbytes == array.nbytes
    with pytest.raises(CorruptFileError):
        load(io.BytesIO(whole[: len(whole) // 2]))


def test_a_registered_compressor_may_fail_in_its_own_way():
    class Failing(Compressor):
        def compress(self, data, level):
            return bytes(data)

        def decompress(self, data, size):
            raise KeyError("its own")

    register_compressor("failing", Failing(), force=True)

    with pytest.raises(CorruptFileError, match="its own"):
        load(io.BytesIO(b"".join(encode([1], compress="failing"))))


@pytest.mark.parametrize("compress", [zlib.compress, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("length", [(1 << 20) - 1, (1 << 20) + 1])
def test_every_byte_of_a_compressed_value_arrives(compress, length):
    value = np.random.default_rng(0).bytes(length - 50) + bytes(50)
    data = compress(pickle.dumps(value))

    assert load(io.BytesIO(data)) == value
    assert load(io.BytesIO(data), trusted=[]) == value


def test_values_nested_deep_are_refused_or_loaded():
    for depth in (100, 200_000):
        lists = b"\x80\x04" + b"]" * depth + b"a" * (depth - 1) + b"."
        value = load(io.BytesIO(lists), trusted=[])
        assert isinstance(value, list)
        del value
    tuples = b"\x80\x04})" + b"\x85" * 200_000 + b"Ns."
    with pytest.raises(CorruptFileError, match="tuples are nested"):
        load(io.BytesIO(tuples), trusted=[])
