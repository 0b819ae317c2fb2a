"""Values come back as they were, whatever they are and wherever they were written."""

import datetime
import fractions
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fanfold.errors import InvalidArgumentError
from fanfold.persistence import EmptyFileError, dump, load

PART = 1 << 20


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __eq__(self, other):
        return (self.x, self.y) == (other.x, other.y)


class Frame:
    """Like a table of a library, it hands its pickler a buffer that is no array."""

    def __init__(self, data):
        self.data = data

    def __reduce_ex__(self, protocol):
        import pickle

        return type(self), (pickle.PickleBuffer(self.data),)


def make_recursive():
    value = [1]
    value.append(value)
    return value


VALUES = {
    "none": None,
    "nested": {"a": [1, 2.5, "text", b"bytes"], (1, 2): {3, 4}, "f": frozenset("abc")},
    "objects": [Point(1, fractions.Fraction(1, 3)), datetime.date(2020, 1, 2)],
    "functions": [len, os.path.join, Point],
    "long bytes": bytes(range(256)) * 20_000,
    "long text": "wörld" * 500_000,
    "long bytearray": bytearray(3_000_000),
    "long list": list(range(500_000)),
}

ARRAYS = {
    "plain": np.arange(1000),
    "large": np.random.default_rng(0).random(700_000),
    "0-d": np.array(5.5),
    "no elements": np.zeros((0, 3)),
    "Fortran": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "strided": np.arange(1000)[::3],
    "transposed": np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2),
    "reversed": np.arange(10)[::-1],
    "big-endian": np.arange(5).astype(">i4"),
    "structured": np.array([(1, 2.5, "x")], [("a", "<i4"), ("b", "<f8"), ("c", "U3")]),
    "dates": np.array(["2020-01-01", "NaT"], "M8[s]"),
    "text": np.array(["a", "bc"]),
    "booleans": np.array([True, False]),
    "complex": np.array([1 + 2j]),
    "void": np.zeros(3, "V5"),
    "objects": np.array([1, "x", None], dtype=object),
    "matrix": np.arange(4).reshape(2, 2).view(np.matrix),
    "masked": np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False]),
    "records": np.rec.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]),
}


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "value.fan")


@pytest.mark.parametrize("name", VALUES)
def test_a_value_comes_back_equal(name, path):
    dump(VALUES[name], path)

    assert load(path) == VALUES[name]


def test_a_value_that_contains_itself_comes_back(path):
    dump(make_recursive(), path)

    loaded = load(path)

    assert loaded[1] is loaded


@pytest.mark.parametrize("compress", [0, 3])
@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_comes_back_equal_and_writable(name, compress, path):
    array = ARRAYS[name]

    dump({"array": array}, path, compress=compress)
    loaded = load(path, ensure_native_byte_order=False)["array"]

    assert type(loaded) is type(array)
    assert loaded.dtype == array.dtype
    assert loaded.shape == array.shape
    assert loaded.flags.writeable
    np.testing.assert_array_equal(loaded, array)


def test_fortran_order_is_kept(path):
    dump(ARRAYS["Fortran"], path)

    assert load(path).flags.f_contiguous


def test_a_masked_array_keeps_its_mask(path):
    dump(ARRAYS["masked"], path)

    np.testing.assert_array_equal(load(path).mask, [False, True, False])


def test_a_read_only_array_comes_back_writable(path):
    array = np.arange(10)
    array.flags.writeable = False
    dump(array, path)

    loaded = load(path)
    loaded[0] = 7

    assert loaded[0] == 7


def test_a_memory_mapped_array_comes_back_as_a_plain_one(path, tmp_path):
    mapped = np.memmap(tmp_path / "raw", dtype="f8", mode="w+", shape=(10,))
    mapped[:] = range(10)
    dump(mapped, path)

    loaded = load(path)

    assert type(loaded) is np.ndarray
    np.testing.assert_array_equal(loaded, range(10))


def test_an_array_that_is_there_twice_is_one_array_again(path):
    array = np.arange(10)
    dump([array, {"again": array}], path)

    first, second = load(path)

    assert first is second["again"]


def test_loaded_arrays_do_not_share_memory(path):
    dump([np.zeros(10), np.zeros(10)], path)

    first, second = load(path)
    first[:] = 1

    np.testing.assert_array_equal(second, 0)


def test_thousands_of_small_arrays_come_back(path):
    arrays = [np.full(n % 50, n) for n in range(10_000)]
    dump(arrays, path)

    loaded = load(path)

    assert all(np.array_equal(a, b) for a, b in zip(arrays, loaded, strict=True))


@pytest.mark.parametrize("data", [b"abc", bytearray(b"abc"), b""])
def test_buffers_of_other_types_come_back(data, path):
    dump(Frame(data), path)

    assert bytes(load(path).data) == data


def test_changed_picklers_of_copyreg_are_used(path, monkeypatch):
    import copyreg

    monkeypatch.setitem(copyreg.dispatch_table, Point, lambda point: (str, ("reduced",)))
    dump(Point(1, 2), path)

    assert load(path) == "reduced"


@pytest.mark.parametrize("order", ["auto", True])
def test_byte_order_becomes_native_on_request_and_by_default(order, path):
    array = np.array([(1, 2)], [("a", ">i4"), ("b", "<i2")])
    dump(array, path)

    loaded = load(path, ensure_native_byte_order=order)

    assert loaded.dtype.isnative
    assert loaded.tolist() == [(1, 2)]


def test_byte_order_stays_on_request(path):
    dump(np.arange(3).astype(">i8"), path)

    assert load(path, ensure_native_byte_order=False).dtype.byteorder == ">"


@pytest.mark.parametrize("order", [None, "native", 3])
def test_another_byte_order_argument_is_refused(order, path):
    dump(1, path)

    with pytest.raises(InvalidArgumentError, match="ensure_native_byte_order"):
        load(path, ensure_native_byte_order=order)


def test_dump_to_a_path_returns_it_alone_in_a_list(tmp_path):
    path = tmp_path / "value"

    assert dump(1, path) == [str(path)]
    assert dump(1, str(path)) == [str(path)]
    assert load(path) == load(str(path)) == load(os.fsencode(path)) == 1


def test_dump_to_a_file_object_returns_none():
    assert dump(1, io.BytesIO()) is None


@pytest.mark.parametrize("compress", [0, 3])
@pytest.mark.parametrize("opened", ["memory", "buffered", "raw"])
def test_several_values_in_one_file_object_are_loaded_in_a_row(opened, compress, tmp_path):
    values = [1, np.arange(30_000), list(range(300_000)), np.zeros(0)]
    with open_file(opened, tmp_path) as file:
        file.write(b"something before")
        for value in values:
            dump(value, file, compress=compress)
        file.seek(len(b"something before"))

        loaded = [load(file) for _ in values]

        assert all(np.array_equal(a, b) for a, b in zip(values, loaded, strict=True))
        with pytest.raises(EOFError, match="no value to load"):
            load(file)


def open_file(kind, tmp_path):
    if kind == "memory":
        return io.BytesIO()
    return open(tmp_path / "file", "w+b", buffering=0 if kind == "raw" else -1)


@pytest.mark.parametrize("extra", [-100, -1, 0, 1, 100, 30_000])
def test_a_stream_about_as_long_as_a_part_is_read_to_its_end(extra):
    # A list of one-byte numbers: 2 bytes of stream for each.
    file = io.BytesIO()
    dump([7] * ((PART + extra) // 2), file)
    dump("next", file)
    file.seek(0)

    assert load(file) == [7] * ((PART + extra) // 2)
    assert load(file) == "next"


def test_a_pipe_can_be_written_to_and_read_from():
    value = {"array": np.arange(100_000), "list": list(range(100_000))}
    code = (
        "import sys, fanfold.persistence as p; p.dump(p.load(sys.stdin.buffer), sys.stdout.buffer)"
    )
    sent = io.BytesIO()
    dump(value, sent)

    finished = subprocess.run(
        [sys.executable, "-c", code], input=sent.getvalue(), stdout=subprocess.PIPE, check=True
    )

    returned = load(io.BytesIO(finished.stdout))
    np.testing.assert_array_equal(returned["array"], value["array"])
    assert returned["list"] == value["list"]


class Trickling(io.RawIOBase):
    """A file object that gives and takes at most 1,000 bytes at a time, like a socket."""

    def __init__(self, data=b""):
        self.data = data

    def readable(self):
        return True

    def writable(self):
        return True

    def readinto(self, target):
        part, self.data = self.data[:1000][: len(target)], self.data[min(1000, len(target)) :]
        target[: len(part)] = part
        return len(part)

    def write(self, data):
        part = bytes(data[:1000])
        self.data += part
        return len(part)


class OnlyReading:
    """The least of a file object."""

    def __init__(self, data):
        self._file = io.BytesIO(data)

    def read(self, size):
        return self._file.read(size)


@pytest.mark.parametrize("reader", [Trickling, OnlyReading])
def test_file_objects_may_give_and_take_less_than_asked(reader):
    value = [np.arange(50_000), "text"]
    file = Trickling()
    dump(value, file)

    loaded = load(reader(file.data))

    np.testing.assert_array_equal(loaded[0], value[0])
    assert loaded[1] == "text"


@pytest.mark.parametrize("compress", [0, ("zstd", 1)])
def test_a_large_buffer_whose_length_is_not_proven_comes_back(compress):
    array = np.zeros(9_000_000)
    array[-1] = 1
    file = io.BytesIO()
    dump(array, file, compress=compress)

    np.testing.assert_array_equal(load(OnlyReading(file.getvalue())), array)


@pytest.mark.parametrize("filename", [3, None, b"name", [1]])
def test_dump_refuses_what_is_neither_path_nor_file_object(filename):
    with pytest.raises(InvalidArgumentError, match=r"a path .* or a binary file object"):
        dump(1, filename)


@pytest.mark.parametrize("filename", [3, None, [1]])
def test_load_refuses_what_is_neither_path_nor_file_object(filename):
    with pytest.raises(TypeError, match=type(filename).__name__):
        load(filename)


def test_text_files_are_refused(tmp_path):
    with open(tmp_path / "text", "w+") as file:
        with pytest.raises(TypeError, match="mode 'wb'"):
            dump(1, file)
        with pytest.raises(ValueError, match="mode 'rb'"):
            load(file)


def test_a_missing_file_and_a_directory_are_reported_as_by_open(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "missing")
    with pytest.raises(IsADirectoryError):
        load(tmp_path)
    with pytest.raises(FileNotFoundError):
        dump(1, tmp_path / "missing" / "file")
    with pytest.raises(IsADirectoryError):
        dump(1, tmp_path)


def test_an_empty_file_is_an_end_of_file_and_a_corrupt_file(path):
    Path(path).touch()

    with pytest.raises(EmptyFileError, match="is empty"):
        load(path)


@pytest.mark.parametrize("protocol", [None, 0, 2, 4, 5, -1])
def test_the_protocol_argument_changes_nothing(protocol, path):
    dump([1], path, protocol=protocol)

    assert load(path) == [1]


def test_a_protocol_that_does_not_exist_is_refused(path):
    with pytest.raises(InvalidArgumentError, match="protocol=6"):
        dump(1, path, protocol=6)


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys; before = set(sys.modules); import fanfold.persistence\n"
        "heavy = {'numpy', 'lz4', 'zstandard', 'lzma', 'bz2', 'cloudpickle', 'multiprocessing',\n"
        "         'asyncio', 'pluggy', 'joblib'}\n"
        "print(sorted(heavy & set(sys.modules) - before))"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    assert printed.strip() == "[]"


def test_values_without_arrays_need_no_numpy(path):
    code = (
        "import sys; sys.modules['numpy'] = None\n"
        "import fanfold.persistence as p\n"
        f"p.dump({{'a': [1, 'x']}}, {path!r}); print(p.load({path!r}), p.load({path!r}, 'r'))"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    assert printed.strip() == "{'a': [1, 'x']} {'a': [1, 'x']}"


def test_too_little_memory_for_an_array_is_a_memory_error(path):
    dump(np.zeros(20_000_000), path)
    code = (
        "import resource, numpy, fanfold.persistence as p\n"
        "pages = int(open('/proc/self/statm').read().split()[0])\n"
        "limit = pages * resource.getpagesize() + (80 << 20)\n"
        "resource.setrlimit(resource.RLIMIT_AS, (limit, limit))\n"
        "try:\n"
        f"    p.load({path!r})\n"
        "except MemoryError as error:\n"
        "    print(error)"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    assert printed.startswith("no memory for a buffer of 160000000 bytes")
