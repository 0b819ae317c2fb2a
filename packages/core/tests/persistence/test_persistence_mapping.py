"""Memory-mapped arrays."""

import gzip
import io
import tempfile

import joblib
import numpy as np
import pytest
from fanfold.errors import FanfoldWarning, InvalidArgumentError
from fanfold.persistence import dump, load, load_path


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "value.fan"
    value = {
        "small": np.arange(3),
        "large": np.arange(200_000.0).reshape(400, 500),
        "fortran": np.asfortranarray(np.ones((3, 4))),
        "strided": np.arange(100)[::7],
        "0-d": np.array(5),
        "empty": np.zeros((0, 3)),
        "dates": np.array(["2020-01-01"], "M8[s]"),
        "big-endian": np.arange(4).astype(">i8"),
    }
    dump(value, path)
    return path


@pytest.mark.parametrize(
    ("mmap_mode", "mode"),
    [
        ("r", "r"),
        ("readonly", "r"),
        ("r+", "r+"),
        ("readwrite", "r+"),
        ("w+", "r+"),
        ("write", "r+"),
        ("c", "c"),
        ("copyonwrite", "c"),
    ],
)
def test_all_arrays_of_a_value_are_mapped_where_they_are(mmap_mode, mode, path):
    expected = load(path, ensure_native_byte_order=False)

    loaded = load(path, mmap_mode=mmap_mode)

    for name, array in loaded.items():
        assert isinstance(array, np.memmap), name
        assert array.mode == mode
        assert array.filename == str(path)
        assert array.offset % 64 == 0
        assert array.flags.aligned
        assert array.flags.writeable == (mode != "r")
        assert array.dtype == expected[name].dtype
        np.testing.assert_array_equal(array, expected[name])
    assert loaded["fortran"].flags.f_contiguous
    raw = np.memmap(path, "f8", "r", loaded["large"].offset, (400, 500))
    np.testing.assert_array_equal(raw, expected["large"])


def test_subclasses_are_mapped_too(tmp_path):
    dump(np.arange(4).reshape(2, 2).view(np.matrix), tmp_path / "value")

    loaded = load(tmp_path / "value", mmap_mode="r")

    assert type(loaded) is np.matrix
    assert not loaded.flags.writeable


@pytest.mark.parametrize("mmap_mode", ["r+", "w+"])
def test_what_is_written_to_a_map_is_in_the_file_from_then_on(mmap_mode, path):
    mapped = load(path, mmap_mode=mmap_mode)
    mapped["large"][0, 0] = 77
    mapped["small"][1] = 78
    mapped["large"].flush()
    del mapped

    for loaded in (load(path), load_path(path), load(path, mmap_mode="r+")):
        assert loaded["large"][0, 0] == 77
        assert loaded["small"][1] == 78


def test_copy_on_write_leaves_the_file_alone(path):
    before = path.read_bytes()

    mapped = load(path, mmap_mode="c")
    mapped["large"][:] = 0

    assert mapped["large"][5, 5] == 0
    del mapped
    assert path.read_bytes() == before


def test_a_read_only_map_cannot_be_written_to(path):
    mapped = load(path, mmap_mode="r")

    with pytest.raises(ValueError, match="read-only"):
        mapped["small"][0] = 1


def test_an_array_outlives_the_others_of_its_map(path):
    array = load(path, mmap_mode="r")["small"]

    np.testing.assert_array_equal(array, [0, 1, 2])


def test_containers_at_any_position_of_an_open_file_are_mapped():
    with tempfile.TemporaryFile() as file:
        file.write(b"something before")
        dump(np.arange(1000), file)
        dump("next", file)
        file.seek(len(b"something before"))

        mapped = load(file, mmap_mode="r+")
        following = load(file, mmap_mode="r")
        mapped[0] = 7
        file.seek(len(b"something before"))
        read = load(file)

    assert isinstance(mapped, np.memmap)
    assert mapped.filename is None
    assert following == "next"
    assert read[0] == 7
    np.testing.assert_array_equal(read[1:], range(1, 1000))


def test_a_file_open_for_reading_only_cannot_be_mapped_for_writing(path):
    with open(path, "rb") as file, pytest.raises(InvalidArgumentError, match="open it with 'r"):
        load(file, mmap_mode="r+")


def test_a_compressed_file_gives_one_warning_and_loads_normally(tmp_path):
    dump(np.arange(5), tmp_path / "value", compress="zlib")

    with pytest.warns(FanfoldWarning, match="compressed by 'zlib'") as caught:
        loaded = load(tmp_path / "value", mmap_mode="r")

    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert type(loaded) is np.ndarray


def test_a_file_in_memory_gives_one_warning_and_loads_normally(path):
    with pytest.warns(UserWarning, match="not a file on disk") as caught:
        loaded = load(io.BytesIO(path.read_bytes()), mmap_mode="r")

    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert type(loaded["small"]) is np.ndarray


@pytest.mark.parametrize("buffered", [False, True])
def test_a_file_that_decompresses_is_not_taken_for_one_on_disk(buffered, tmp_path, path):
    with gzip.open(tmp_path / "packed", "wb", compresslevel=1) as file:
        file.write(path.read_bytes())

    with gzip.open(tmp_path / "packed") as file:
        opened = io.BufferedReader(file) if buffered else file
        with pytest.warns(FanfoldWarning, match="not a file on disk"):
            loaded = load(opened, mmap_mode="r")

    np.testing.assert_array_equal(loaded["small"], [0, 1, 2])


@pytest.mark.parametrize("mmap_mode", ["w", "x", "", 3, "rb"])
def test_another_mode_is_refused_as_joblib_refuses_it(mmap_mode, path, tmp_path):
    joblib.dump(np.arange(3), tmp_path / "joblib")
    with pytest.raises(ValueError):
        joblib.load(tmp_path / "joblib", mmap_mode=mmap_mode)

    with pytest.raises(InvalidArgumentError, match="mmap_mode="):
        load(path, mmap_mode=mmap_mode)


def test_mapping_in_native_byte_order_is_refused(path):
    with pytest.raises(InvalidArgumentError, match="leave one of them out"):
        load(path, mmap_mode="r", ensure_native_byte_order=True)


def test_load_path_maps_as_load_does(path):
    loaded = load_path(path, mmap_mode="c")

    assert isinstance(loaded["large"], np.memmap)
    assert loaded["large"].mode == "c"
