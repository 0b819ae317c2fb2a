"""Files of joblib and pickle are loaded too."""

import io
import pickle
import zlib

import joblib
import numpy as np
import pytest
from fanfold.errors import CorruptFileError, FanfoldWarning
from fanfold.persistence import load

METHODS = ["zlib", "gzip", "bz2", "lzma", "xz", "lz4"]
VALUE = {
    "plain": np.arange(1000),
    "large": np.arange(300_000.0).reshape(300, 1000),
    "fortran": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "strided": np.arange(20)[::3],
    "0-d": np.array(5),
    "empty": np.zeros((0, 3)),
    "dates": np.array(["2020-01-01"], "M8[s]"),
    "big-endian": np.arange(5).astype(">i4"),
    "objects": np.array([1, "x", None], dtype=object),
    "matrix": np.arange(4).reshape(2, 2).view(np.matrix),
    "masked": np.ma.array([1.0, 2.0], mask=[True, False]),
    "scalar": np.float64(2.5),
    "list": [1, "text", {"a": (2, 3)}],
}


def check(loaded, *, native=True):
    assert loaded.keys() == VALUE.keys()
    for name, expected in VALUE.items():
        np.testing.assert_array_equal(loaded[name], expected, err_msg=name)
    assert loaded["fortran"].flags.f_contiguous
    assert isinstance(loaded["matrix"], np.matrix)
    assert loaded["big-endian"].dtype.isnative == native
    assert loaded["list"] == VALUE["list"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "value.pkl"


@pytest.mark.parametrize("protocol", range(6))
def test_a_file_of_joblib_is_loaded_whatever_its_protocol(protocol, path):
    joblib.dump(VALUE, path, protocol=protocol)

    loaded = load(path)

    check(loaded)
    assert all(a.flags.writeable for a in loaded.values() if isinstance(a, np.ndarray))


@pytest.mark.parametrize("method", METHODS)
def test_a_compressed_file_of_joblib_is_loaded(method, path):
    joblib.dump(VALUE, path, compress=(method, 3))

    check(load(path))


def test_the_byte_order_of_joblibs_arrays_stays_on_request(path):
    joblib.dump(VALUE, path)

    check(load(path, ensure_native_byte_order=False), native=False)


@pytest.mark.parametrize("mmap_mode", ["r", "r+", "c"])
def test_the_arrays_of_a_file_of_joblib_are_mapped(mmap_mode, path):
    joblib.dump(VALUE, path)

    loaded = load(path, mmap_mode=mmap_mode)

    check(loaded, native=False)
    for name in ("plain", "large", "fortran", "dates", "big-endian", "0-d", "empty"):
        assert isinstance(loaded[name], np.memmap), name
        assert loaded[name].filename == str(path)


def test_what_is_written_to_a_map_is_in_joblibs_file(path):
    joblib.dump(VALUE, path)

    mapped = load(path, mmap_mode="r+")
    mapped["large"][0, 0] = 77
    mapped["large"].flush()

    assert joblib.load(path)["large"][0, 0] == 77


def test_a_compressed_file_of_joblib_is_not_mapped_but_warned_of(path):
    joblib.dump(VALUE, path, compress=3)

    with pytest.warns(FanfoldWarning, match="is compressed") as caught:
        check(load(path, mmap_mode="r"), native=False)

    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_files_of_joblib_in_one_file_object_are_loaded_in_a_row():
    file = io.BytesIO()
    for value in (1, VALUE, "last"):
        joblib.dump(value, file)
    file.seek(0)

    assert load(file) == 1
    check(load(file))
    assert load(file) == "last"


@pytest.mark.parametrize("compress", [0, "zlib", "xz"])
def test_a_file_of_joblib_is_loaded_from_a_pipe(compress):
    file = io.BytesIO()
    joblib.dump(VALUE, file, compress=(compress, 3) if compress else 0)

    class Pipe:
        read = io.BytesIO(file.getvalue()).read

    check(load(Pipe()))


@pytest.mark.parametrize("protocol", range(6))
def test_a_plain_pickle_is_loaded(protocol, path):
    path.write_bytes(pickle.dumps(VALUE, protocol))

    loaded = load(path)

    np.testing.assert_array_equal(loaded["large"], VALUE["large"])
    assert loaded["list"] == VALUE["list"]


@pytest.mark.parametrize("protocol", range(6))
def test_a_plain_pickle_is_loaded_from_a_pipe(protocol):
    class Pipe:
        read = io.BytesIO(pickle.dumps({"a": [1.5, b"x" * 100_000]}, protocol)).read

    assert load(Pipe()) == {"a": [1.5, b"x" * 100_000]}


def test_a_compressed_plain_pickle_is_loaded(path):
    path.write_bytes(zlib.compress(pickle.dumps([1, 2])))

    assert load(path) == [1, 2]


@pytest.mark.parametrize("compress", [0, 3, ("lz4", 3), ("xz", 3), ("bz2", 3)])
def test_a_file_of_joblib_that_was_cut_is_refused(compress, path):
    joblib.dump({"array": np.arange(1000), "text": "abc"}, path, compress=compress)
    whole = path.read_bytes()

    for length in range(1, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(CorruptFileError, match=r"value\.pkl"):
            load(path)


def test_a_compressed_file_that_is_damaged_is_refused(path):
    joblib.dump(np.random.default_rng(0).random(1000), path, compress=3)
    damaged = bytearray(path.read_bytes())
    damaged[100:120] = bytes(20)
    path.write_bytes(damaged)

    with pytest.raises(CorruptFileError, match="cannot be decompressed"):
        load(path)


@pytest.mark.parametrize("content", [b"junk" * 10, b"hello", b"\0" * 50])
def test_what_is_no_value_at_all_is_refused(content, path):
    path.write_bytes(content)

    with pytest.raises(CorruptFileError, match="neither by fanfold nor joblib nor pickle"):
        load(path)


def test_a_fitted_model_that_joblib_saved_predicts_the_same(path):
    from sklearn.tree import DecisionTreeClassifier

    inputs = np.random.default_rng(0).random((50, 3))
    model = DecisionTreeClassifier(random_state=0).fit(inputs, inputs[:, 0] > 0.5)
    joblib.dump(model, path)

    np.testing.assert_array_equal(load(path).predict(inputs), model.predict(inputs))
