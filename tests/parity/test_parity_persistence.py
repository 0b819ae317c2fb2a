"""Programs that use dump, load and hash: what holds with joblib holds with fanfold."""

from __future__ import annotations

import io
from pathlib import Path

import fanfold
import joblib
import numpy as np
import pytest

METHODS = ["zlib", "gzip", "bz2", "lzma", "xz", "lz4"]
VALUE = {"numbers": [1, 2.5, "three"], "array": [[1.0, 2.0], [3.0, 4.0]]}


@pytest.fixture
def value():
    return {**VALUE, "array": np.array(VALUE["array"])}


def assert_same(loaded, value):
    assert loaded["numbers"] == value["numbers"]
    np.testing.assert_array_equal(loaded["array"], value["array"])


@pytest.mark.parametrize("kind", [str, Path])
def test_dump_returns_the_names_of_its_files(library, value, tmp_path, kind):
    path = tmp_path / "value"

    assert library.dump(value, kind(path)) == [str(path)]
    assert_same(library.load(kind(path)), value)


@pytest.mark.parametrize("compress", [0, True, False, 9, "gzip", ("lzma", 2), *METHODS])
def test_compressed_files_load(library, value, tmp_path, compress):
    library.dump(value, tmp_path / "value", compress=compress)

    assert_same(library.load(tmp_path / "value"), value)


@pytest.mark.parametrize("ending", [".z", ".gz", ".bz2", ".lzma", ".xz", ".lz4"])
def test_the_ending_chooses_the_compressor(library, tmp_path, ending):
    zeros = np.zeros(100_000)

    library.dump(zeros, tmp_path / f"zeros{ending}")

    assert (tmp_path / f"zeros{ending}").stat().st_size < zeros.nbytes / 10


def test_open_files_are_written_and_read(library, value):
    file = io.BytesIO()

    library.dump(value, file)
    file.seek(0)

    assert_same(library.load(file), value)


@pytest.mark.parametrize("mode", ["r", "r+", "w+", "c"])
def test_arrays_are_mapped(library, tmp_path, mode):
    library.dump(np.arange(100_000.0), tmp_path / "array")

    mapped = library.load(tmp_path / "array", mmap_mode=mode)

    assert isinstance(mapped, np.memmap)
    assert mapped.flags.writeable == (mode != "r")
    np.testing.assert_array_equal(mapped, np.arange(100_000.0))


def test_writing_to_a_mapped_array_changes_the_file(library, tmp_path):
    library.dump(np.zeros(10), tmp_path / "array")

    mapped = library.load(tmp_path / "array", mmap_mode="r+")
    mapped[0] = 7
    mapped.flush()

    assert library.load(tmp_path / "array", mmap_mode="c")[0] == 7


@pytest.mark.parametrize(
    ("compress", "error"),
    [(10, ValueError), (-1, ValueError), ("tea", ValueError), (("zlib", 10), ValueError)],
)
def test_compression_that_will_not_do_raises(library, tmp_path, compress, error):
    with pytest.raises(error):
        library.dump(1, tmp_path / "value", compress=compress)


@pytest.mark.parametrize("filename", [0, None, []])
def test_a_name_that_is_none_raises(library, filename):
    with pytest.raises(ValueError, match=r".+"):
        library.dump(1, filename)


def test_a_file_that_is_not_there_raises(library, tmp_path):
    with pytest.raises(FileNotFoundError):
        library.load(tmp_path / "nothing")


@pytest.mark.parametrize("compress", [0, *METHODS])
def test_what_joblib_wrote_we_read(value, tmp_path, compress):
    joblib.dump(value, tmp_path / "value", compress=compress)

    assert_same(fanfold.load(tmp_path / "value"), value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({1, 2, 3}, {3, 2, 1}),
        (np.arange(5), np.arange(5)),
        ("text", "".join(["te", "xt"])),
    ],
    ids=["dicts", "sets", "arrays", "texts"],
)
def test_equal_values_have_one_hash(library, one, other):
    assert library.hash(one) == library.hash(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        ([1], (1,)),
        (np.arange(5), np.arange(5.0)),
        (np.arange(6), np.arange(6).reshape(2, 3)),
        (None, "None"),
    ],
    ids=["numbers", "sequences", "dtypes", "shapes", "None"],
)
def test_different_values_have_different_hashes(library, one, other):
    assert library.hash(one) != library.hash(other)


@pytest.mark.parametrize("hash_name", ["md5", "sha1"])
def test_hashes_are_hexadecimal(library, hash_name):
    digest = library.hash([1, 2], hash_name=hash_name)

    assert len(digest) == {"md5": 32, "sha1": 40}[hash_name]
    assert int(digest, 16) >= 0


def test_an_unknown_hash_raises(library):
    with pytest.raises(ValueError, match="tea"):
        library.hash(1, hash_name="tea")


def test_a_mapped_array_hashes_as_its_values_when_asked(library, tmp_path):
    library.dump(np.arange(10.0), tmp_path / "array")
    mapped = library.load(tmp_path / "array", mmap_mode="r")

    assert library.hash(mapped, coerce_mmap=True) == library.hash(np.arange(10.0), coerce_mmap=True)
