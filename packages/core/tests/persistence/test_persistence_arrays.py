"""Arrays of numpy's own subclasses, large and scattered ones, and very many."""

import io
import subprocess
import sys

import numpy as np
import pytest
from fanfold.persistence import dump, encode, load

MASKED = {
    "some": np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False]),
    "none": np.ma.array([1, 2, 3]),
    "all": np.ma.array(np.arange(6).reshape(2, 3).T, mask=True, fill_value=7),
    "fields": np.ma.array([(1, 2.0)], mask=[(False, True)], dtype=[("a", "i4"), ("b", "f8")]),
    "hard": np.ma.array([1, 2], mask=[True, False], hard_mask=True),
    "objects": np.ma.array(["a", None], dtype=object, mask=[False, True]),
    "0-d": np.ma.array(5, mask=True),
    "empty": np.ma.zeros((0, 3)),
    "of a matrix": np.ma.array(np.arange(4).reshape(2, 2).view(np.matrix)),
}


def through_a_file(value, **arguments):
    file = io.BytesIO()
    dump(value, file)
    file.seek(0)
    return load(file, **arguments)


@pytest.mark.parametrize("trusted", [None, ["numpy"]])
@pytest.mark.parametrize("name", MASKED)
def test_a_masked_array_comes_back_with_all_that_belongs_to_it(name, trusted):
    array = MASKED[name]

    loaded = through_a_file(array, trusted=trusted)

    assert type(loaded) is np.ma.MaskedArray
    assert type(loaded.data) is type(array.data)
    assert (loaded.dtype, loaded.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(loaded.data, array.data)
    np.testing.assert_array_equal(loaded.mask, array.mask)
    assert loaded.fill_value == array.fill_value
    if name != "of a matrix":  # numpy's own way to pickle it, which is kept for such, loses these
        assert loaded.hardmask == array.hardmask
        assert (loaded.mask is np.ma.nomask) == (array.mask is np.ma.nomask)


def test_the_masked_constant_is_still_itself():
    assert through_a_file([np.ma.masked])[0] is np.ma.masked


def test_a_loaded_masked_array_can_be_changed():
    loaded = through_a_file(MASKED["some"])

    loaded[0] = np.ma.masked
    loaded[1] = 7

    assert loaded.tolist() == [None, 7, 3]


@pytest.mark.parametrize(
    "array",
    [
        np.rec.array([(1, 2.5), (3, 4.0)], dtype=[("a", ">i4"), ("b", "f8")]),
        np.recarray((0, 2), dtype=[("a", "i8")]),
    ],
)
@pytest.mark.parametrize("trusted", [None, ["numpy"]])
def test_records_come_back_as_records(array, trusted):
    loaded = through_a_file(array, ensure_native_byte_order=False, trusted=trusted)

    assert type(loaded) is np.recarray
    assert loaded.dtype == array.dtype
    assert loaded.dtype.type is np.record
    np.testing.assert_array_equal(loaded.a, array.a)


def test_masked_arrays_and_records_are_mapped(tmp_path):
    value = [MASKED["some"], np.rec.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")])]
    dump(value, tmp_path / "value")

    masked, records = load(tmp_path / "value", mmap_mode="r")

    assert masked.tolist() == [1.0, None, 3.0]
    assert type(masked.data) is np.memmap
    assert records.b[0] == 2.5
    assert not records.flags.writeable


SCATTERED = {
    "columns": np.arange(400_000.0).reshape(400, 1000)[:, ::2],
    "turned": np.arange(400_000.0).reshape(100, 40, 100).transpose(1, 0, 2),
    "backwards": np.arange(400_000)[::-1],
    "repeated": np.broadcast_to(np.arange(1000), (300, 1000)),
    "fields": np.zeros(100_000, [("a", "i4"), ("b", "f8"), ("c", "U3")])[["a", "c"]][::2],
    "dates": np.arange(400_000).astype("M8[s]")[::2],
    "wide": np.zeros(8, "V400000")[::2],
}


@pytest.mark.parametrize("compress", [0, 3])
@pytest.mark.parametrize("name", SCATTERED)
def test_a_large_array_that_is_not_in_one_piece_comes_back(name, compress, tmp_path):
    array = SCATTERED[name]
    assert array.nbytes > 1 << 20
    dump(["before", array, "after"], tmp_path / "value", compress=compress)

    before, loaded, after = load(tmp_path / "value")

    assert (before, after) == ("before", "after")
    assert loaded.dtype == array.dtype
    assert loaded.shape == array.shape
    np.testing.assert_array_equal(loaded, array)


def test_a_scattered_array_is_written_as_its_copy_would_be():
    scattered = SCATTERED["columns"]

    assert b"".join(encode(scattered)) == b"".join(encode(scattered.copy()))


def test_an_array_is_as_it_was_although_two_values_share_it_scattered():
    scattered = SCATTERED["columns"]

    first, second = through_a_file([scattered, (scattered,)])

    assert first is second[0]


MEMORY = {
    "an array": "np.ones(6_000_000)",
    "in Fortran's order": "np.asfortranarray(np.ones((3000, 2000)))",
    "scattered": "np.ones((3000, 4000))[:, ::2]",
    "masked": "np.ma.array(np.ones(6_000_000), mask=np.ones(6_000_000, bool))",
    "records": "np.rec.array(np.zeros(3_000_000, [('a', 'f8'), ('b', 'f8')]))",
    "a frame": "pandas.DataFrame(np.ones((300_000, 20)))",
    "bytes": "bytes(range(256)) * 200_000",
    "numbers": "np.arange(1_500_000.0).tolist()",
}


@pytest.mark.skipif(sys.platform != "linux", reason="it resets the peak as Linux lets it")
@pytest.mark.parametrize(
    ("name", "compress"),
    [*((name, 0) for name in MEMORY), ("an array", ("lz4", 1)), ("scattered", ("lz4", 1))],
)
def test_dumping_takes_little_memory_beyond_the_value(name, compress, tmp_path):
    expression = MEMORY[name]
    code = (
        "import numpy as np, fanfold\n"
        f"{'import pandas' if 'pandas' in expression else ''}\n"
        "def megabytes(what):\n"
        "    with open('/proc/self/status') as status:\n"
        "        lines = dict(line.split(':') for line in status)\n"
        "    return int(lines[what].split()[0]) / 1024\n"
        f"def dump(value): fanfold.dump(value, {str(tmp_path / 'value')!r}, {compress!r})\n"
        "dump(np.ones(2_000_000))\n"  # what a first time takes: threads, libraries
        f"value = {expression}\n"
        "with open('/proc/self/clear_refs', 'w') as file: file.write('5')\n"
        "before = megabytes('VmRSS')\n"
        "dump(value)\n"
        "print(megabytes('VmHWM') - before)"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    # 5 % of the 48 MB or so that each has, and as much as any small value takes, or for each of
    # the blocks that are compressed at a time.
    assert float(printed) < 2.4 + (4 if compress == 0 else 24)


class Discarding:
    """A file object that leaves out what is zero, as sparse files may."""

    def __init__(self, file):
        self._file = file
        self._zeros = bytes(1 << 18)

    def write(self, data):
        if data == self._zeros:
            self._file.seek(len(data), 1)
        else:
            self._file.write(data)
        return len(data)


def test_an_array_of_more_than_four_gigabytes_is_written_and_mapped(tmp_path):
    large = np.broadcast_to(np.zeros(1 << 20, "u1"), ((1 << 12) + 1, 1 << 20))

    with open(tmp_path / "value", "wb") as file:
        dump([large, np.arange(3)], Discarding(file))
    first, second = load(tmp_path / "value", mmap_mode="r")

    assert first.shape == large.shape
    assert first[-1, -1] == 0
    np.testing.assert_array_equal(second, [0, 1, 2])
    assert second.offset > 1 << 32


def test_a_value_has_more_arrays_than_a_process_has_memory_maps(tmp_path):
    count = 70_000  # Linux allows 65,530 maps
    dump([np.full(1, n) for n in range(count)], tmp_path / "value")

    mapped = load(tmp_path / "value", mmap_mode="r")

    assert len(mapped) == count
    assert all(type(array) is np.memmap for array in mapped)
    assert mapped[-1][0] == count - 1
