"""Compression: what asks for it, what does it, and what goes wrong."""

import base64
import io
import subprocess
import sys
import threading
import zlib

import joblib
import numpy as np
import pytest
from fanfold.errors import CorruptFileError, FanfoldError, InvalidArgumentError, MissingExtraError
from fanfold.persistence import Compressor, dump, load, register_compressor

METHODS = ["zlib", "gzip", "bz2", "lzma", "xz", "lz4", "zstd"]
ZSTD_LIBRARY = "compression" if sys.version_info >= (3, 14) else "zstandard"
VALUE = {
    "array": np.arange(200_000, dtype="i4") % 1000 * 3,
    "list": list(range(10_000)),
    "text": "abc" * 1000,
}


class Base64(Compressor):
    extension = ".b64"

    def compress(self, data, level):
        return base64.b64encode(data)

    def decompress(self, data, size):
        return base64.b64decode(data)


@pytest.fixture
def base64_registered():
    register_compressor("base64", Base64(), force=True)


def method_of(file):
    """Return the compressor's name as the format has it, at byte 16."""
    file.seek(16)
    return file.read(40).rstrip(b"\0").decode()


def written(compress, path=None):
    if path is None:
        file = io.BytesIO()
        dump([1], file, compress=compress)
        return method_of(file)
    dump([1], path, compress=compress)
    with open(path, "rb") as file:
        return method_of(file)


def check_loaded(loaded):
    np.testing.assert_array_equal(loaded["array"], VALUE["array"])
    assert loaded["list"] == VALUE["list"]
    assert loaded["text"] == VALUE["text"]


@pytest.mark.parametrize("level", [1, 9])
@pytest.mark.parametrize("method", METHODS)
def test_each_method_and_level_makes_the_file_smaller_and_comes_back(method, level, tmp_path):
    plain, compressed = tmp_path / "plain", tmp_path / "compressed"
    dump(VALUE, plain)

    dump(VALUE, compressed, compress=(method, level))

    assert compressed.stat().st_size < plain.stat().st_size
    check_loaded(load(compressed))


@pytest.mark.parametrize(
    ("compress", "method"),
    [
        (0, ""),
        (False, ""),
        (True, "zlib"),
        (1, "zlib"),
        (9, "zlib"),
        (None, "zlib"),
        ("gzip", "gzip"),
        (("xz", 2), "xz"),
        (("xz", None), "xz"),
        (("xz", 0), ""),
        (("zlib", True), "zlib"),
    ],
)
def test_what_compress_asks_for(compress, method):
    assert written(compress) == method


@pytest.mark.parametrize(
    ("ending", "method"),
    [
        (".z", "zlib"),
        (".gz", "gzip"),
        (".bz2", "bz2"),
        (".lzma", "lzma"),
        (".xz", "xz"),
        (".lz4", "lz4"),
        (".zst", "zstd"),
    ],
)
def test_the_ending_chooses_where_compress_names_no_method(ending, method, tmp_path):
    path = tmp_path / f"value{ending}"

    assert written(0, path) == method
    assert written(False, path) == method
    assert written(5, path) == method
    assert written(True, path) == method
    assert written("bz2", path) == "bz2"
    assert written(("bz2", 0), path) == ""
    assert load(path) == [1]


def test_other_endings_choose_nothing(tmp_path):
    assert written(0, tmp_path / "value.Z") == ""
    assert written(3, tmp_path / "value.pkl") == "zlib"


@pytest.mark.parametrize(
    "compress",
    [
        *(10, -1, 1.5, "", "foo", "3", b"zlib", ["zlib", 3], {}),
        *(("zlib", 10), ("zlib", -1), ("zlib", "x"), ("foo", 3), ("foo", 0), (3, "zlib")),
        *((None, 3), ("zlib",), ("zlib", 3, 4), ()),
    ],
)
def test_anything_else_is_refused_as_joblib_refuses_it(compress, tmp_path):
    with pytest.raises(ValueError):
        joblib.dump(1, tmp_path / "joblib", compress=compress)

    with pytest.raises(InvalidArgumentError, match="compress="):
        dump(1, tmp_path / "value", compress=compress)

    assert not (tmp_path / "value").exists()


@pytest.mark.parametrize(("method", "library"), [("lz4", "lz4"), ("zstd", ZSTD_LIBRARY)])
def test_a_missing_library_is_named_with_the_extra(method, library, tmp_path, monkeypatch):
    path = tmp_path / "value"
    dump(1, path, compress=method)
    monkeypatch.setitem(sys.modules, library, None)

    with pytest.raises(MissingExtraError, match=r'pip install "fanfold\[compression\]"'):
        load(path)
    with pytest.raises(ImportError, match=library):
        dump(1, tmp_path / "other", compress=method)

    assert [file.name for file in tmp_path.iterdir()] == ["value"]


@pytest.mark.usefixtures("base64_registered")
def test_a_registered_compressor_is_used_by_name_and_by_ending(tmp_path):
    path = tmp_path / "value.b64"

    assert written("base64") == "base64"
    assert written(0, path) == "base64"
    assert load(path) == [1]


def test_a_file_whose_compressor_is_not_registered_names_it(tmp_path):
    path = tmp_path / "value"
    code = (
        "import fanfold.persistence as p\n"
        "class Upper(p.Compressor):\n"
        "    compress = decompress = lambda self, data, _: bytes(data)\n"
        "p.register_compressor('upper', Upper())\n"
        f"p.dump(1, {str(path)!r}, compress='upper')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

    with pytest.raises(InvalidArgumentError, match=r"register_compressor\('upper'"):
        load(path)


@pytest.mark.usefixtures("base64_registered")
def test_a_name_is_taken_once_unless_forced():
    with pytest.raises(InvalidArgumentError, match=r"taken by Base64; pass force=True"):
        register_compressor("base64", Base64())

    register_compressor("base64", Base64(), force=True)


@pytest.mark.parametrize("name", [3, "", "\0", "x" * 41, None])
def test_a_name_that_no_file_can_hold_is_refused(name):
    with pytest.raises(InvalidArgumentError, match="cannot name a compressor"):
        register_compressor(name, Base64())


@pytest.mark.parametrize("compressor", [None, zlib, Base64])
def test_what_is_no_compressor_is_refused(compressor):
    with pytest.raises(InvalidArgumentError, match="derives from"):
        register_compressor("another", compressor)


def test_blocks_that_hold_another_length_than_they_say_are_damaged(tmp_path):
    class Lying(Base64):
        def decompress(self, data, size):
            return base64.b64decode(data) + b"more"

    register_compressor("lying", Lying(), force=True)
    dump(1, tmp_path / "value", compress="lying")

    with pytest.raises(CorruptFileError, match="it should hold"):
        load(tmp_path / "value")


@pytest.mark.parametrize("failure", [MemoryError("full"), FanfoldError("mine")])
def test_errors_of_a_compressor_that_are_no_damage_pass_through(failure, tmp_path):
    class Failing(Base64):
        def decompress(self, data, size):
            raise failure

    register_compressor("failing", Failing(), force=True)
    dump(1, tmp_path / "value", compress="failing")

    with pytest.raises(type(failure), match=str(failure)):
        load(tmp_path / "value")


def test_many_threads_compress_and_load_at_once(tmp_path):
    wrong = []

    def work(number):
        path = tmp_path / f"{number}.zst"
        dump(VALUE, path)
        if load(path)["list"] != VALUE["list"]:
            wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not wrong
    assert len(list(tmp_path.iterdir())) == 4
