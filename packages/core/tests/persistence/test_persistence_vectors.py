"""Containers that were written once are loaded for ever.

Each file of ``vectors/`` shows one feature of the format. None is ever written anew: a change that
needs it breaks the files of users. A feature that is added gets a vector of its own.
"""

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from fanfold.persistence import Compressor, load, read_metadata, register_compressor

VECTORS = Path(__file__).with_name("vectors")

ARRAY = np.arange(12.0).reshape(3, 4)
COMPRESSED = {"array": np.arange(100), "text": "abc" * 100}
TWO_ARRAYS = [np.arange(3), np.arange(4)]

VALUES = {
    "plain": {
        "text": "grün",
        "numbers": [1, -2, 3.5, 10**30],
        "nothing": None,
        "bytes": b"\0\xff",
        "set": {1},
    },
    "metadata": [1, 2],
    "array": ARRAY,
    "fortran": np.asfortranarray(ARRAY),
    "big-endian": np.arange(5, dtype=">i4"),
    "structured": np.array(
        [(1, 2.5, "a"), (3, 4.5, "b")], dtype=[("n", "i4"), ("x", "f8"), ("s", "U1")]
    ),
    "dates": np.array(["2020-01-01", "NaT"], dtype="M8[s]"),
    "0-d": np.array(7),
    "empty": np.zeros((0, 3)),
    "objects": np.array([1, "x", None], dtype=object),
    "matrix": np.array([[1, 2], [3, 4]]).view(np.matrix),
    "masked": np.ma.array([1.0, 2.0], mask=[False, True]),
    "masked-buffers": np.ma.array([1.0, 2.0], mask=[False, True], fill_value=-1.0),
    "records": np.rec.array([(1, 2.5), (3, 4.5)], dtype=[("n", "i4"), ("x", "f8")]),
    "shared": {"one": np.arange(4.0), "two": np.arange(4.0), "other": np.arange(4.0)},
    "many-buffers": [np.arange(length, dtype="u1") for length in range(70)],
    "parts": TWO_ARRAYS,
    "blocks": TWO_ARRAYS,
    "unchecked": np.array([99.0, *range(1, 12)]),
    "numpy-1": np.arange(3),
    "two-values": "first",
    "compressed-registered": [1, 2, 3],
    **{
        f"compressed-{method}": COMPRESSED
        for method in ("zlib", "gzip", "bz2", "lzma", "xz", "lz4", "zstd")
    },
}

DIGESTS = {
    "0-d": "588023ddcf341083",
    "array": "5c1a8da779a6362d",
    "big-endian": "8ac68565ddaf0a63",
    "blocks": "c096e1bc0198e3ba",
    "compressed-bz2": "65842c5fd6f15d1d",
    "compressed-gzip": "3fd7ba64954cce59",
    "compressed-lz4": "fb24ac5d76f928f1",
    "compressed-lzma": "e133a5afc3137403",
    "compressed-registered": "86e3d0eca6be1b35",
    "compressed-xz": "d2a8a68775eb8551",
    "compressed-zlib": "3c2a7dbdad23e5fe",
    "compressed-zstd": "39f8834466b052c0",
    "dates": "3bdb0fec0b032401",
    "empty": "d76235470bfd58ec",
    "fortran": "621116af7364c3bd",
    "many-buffers": "38335dedb86bce3b",
    "masked": "f42a5c0598f4ea72",
    "masked-buffers": "040c5d2eb456a8f7",
    "matrix": "08f4387179fa134f",
    "metadata": "a5c6fcfd8be40454",
    "numpy-1": "49899080a5ea4290",
    "objects": "80d714a38079df87",
    "parts": "ffe31da8379c98c6",
    "plain": "e40cc129e9fe02ab",
    "records": "283b1427a1c2a98e",
    "recursive": "054a4d6316d624d4",
    "shared": "3c76fb63c8ea523d",
    "structured": "10e71831f95189fa",
    "two-values": "06f4d52e404a4929",
    "unchecked": "43dd87d6634b2fb6",
}


class Reversing(Compressor):
    def compress(self, data, level):
        return bytes(data)[::-1]

    def decompress(self, data, size):
        return bytes(data)[::-1]


@pytest.fixture(autouse=True)
def compressor():
    register_compressor("reversed", Reversing(), force=True)


def read_path(name):
    return load(VECTORS / f"{name}.fan", ensure_native_byte_order=False)


def read_trusted(name):
    return load(VECTORS / f"{name}.fan", trusted=["numpy"], ensure_native_byte_order=False)


def read_mapped(name):
    return load(VECTORS / f"{name}.fan", mmap_mode="r")


def read_pipe(name):
    class Pipe:
        read = io.BytesIO((VECTORS / f"{name}.fan").read_bytes()).read

    return load(Pipe(), ensure_native_byte_order=False)


def check_equal(loaded, expected):
    if isinstance(expected, dict):
        assert loaded.keys() == expected.keys()
        for key in expected:
            check_equal(loaded[key], expected[key])
    elif isinstance(expected, list):
        assert len(loaded) == len(expected)
        for one, other in zip(loaded, expected, strict=True):
            check_equal(one, other)
    elif isinstance(expected, np.ndarray):
        assert loaded.dtype == expected.dtype
        assert loaded.flags.f_contiguous == expected.flags.f_contiguous
        assert isinstance(loaded, type(expected))
        np.testing.assert_array_equal(loaded, expected)
    else:
        assert loaded == expected


def test_every_vector_is_known():
    assert {path.stem for path in VECTORS.glob("*.fan")} == {*VALUES, "recursive"}


@pytest.mark.parametrize("name", sorted(DIGESTS))
def test_a_vector_is_as_it_was_written(name):
    content = (VECTORS / f"{name}.fan").read_bytes()

    assert hashlib.sha256(content).hexdigest()[:16] == DIGESTS[name]


@pytest.mark.parametrize("name", sorted(VALUES))
@pytest.mark.parametrize("read", [read_path, read_trusted, read_pipe])
def test_a_vector_is_loaded(name, read):
    check_equal(read(name), VALUES[name])


@pytest.mark.parametrize("name", sorted(name for name in VALUES if "compressed" not in name))
@pytest.mark.filterwarnings("ignore:mmap_mode='r' has no effect")
def test_a_vector_is_mapped(name):
    check_equal(read_mapped(name), VALUES[name])


def test_the_vector_of_shared_arrays_has_one_array_twice():
    loaded = read_path("shared")

    assert loaded["one"] is loaded["two"]
    assert loaded["one"] is not loaded["other"]


def test_the_vector_of_a_recursive_list_contains_itself():
    loaded = read_path("recursive")

    assert loaded[0] == 1
    assert loaded[1] is loaded


def test_the_vector_of_metadata_has_them():
    metadata = read_metadata((VECTORS / "metadata.fan").read_bytes())

    assert metadata == {"seconds": 1.5, "name": "grün"}


def test_the_vector_of_two_values_has_a_second_one():
    with open(VECTORS / "two-values.fan", "rb") as file:
        values = [load(file), load(file)]

    check_equal(values, ["first", np.arange(3)])


def test_the_buffers_of_the_vectors_are_aligned():
    content = (VECTORS / "array.fan").read_bytes()

    assert content.index(ARRAY.tobytes()) % 64 == 0
