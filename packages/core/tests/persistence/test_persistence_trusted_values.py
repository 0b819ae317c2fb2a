"""``load(trusted=...)``: the standard library's values, and numpy's and sklearn's."""

import collections
import datetime
import decimal
import io
import pathlib
import pickle

import joblib
import numpy as np
import pytest
from fanfold.errors import CorruptFileError, UntrustedGlobalError
from fanfold.persistence import decode, dump, encode, load, load_path

from .untrusted import (
    HERE,
    READERS,
    WRITERS,
    Pipe,
    Point,
    Running,
    load_bytes,
    plain,
)

STANDARD_VALUES = {
    "None": None,
    "bool": True,
    "numbers and strings": [
        *(1, -5, 300, 70_000, -(2**40), 10**400, 2.5, 1j),
        *("grün", "x" * 5000, b"\xff" * 5000, b""),
    ],
    "containers": {(1, (2, 3)): {4, "a"}, "key": frozenset({(1,)})},
    "other built-ins": [bytearray(b"abc"), bytearray(), range(3), slice(1, None), ..., int],
    "NotImplemented": [NotImplemented],
    "collections": [
        collections.OrderedDict(a=1),
        collections.Counter("aab"),
        collections.defaultdict(list, a=[]),
    ],
    "deques": [collections.deque([1, 2], 5), collections.deque()],
    "dates": [datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC), datetime.date(2020, 1, 2)],
    "times": [datetime.timedelta(1, 2, 3), datetime.time(1, 2), decimal.Decimal("1.50")],
    "paths": [pathlib.Path("a/b"), pathlib.PurePosixPath("c"), pathlib.PureWindowsPath("d")],
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("value", STANDARD_VALUES.values(), ids=STANDARD_VALUES)
def test_values_of_the_standard_library_need_no_trust(value, writer, reader):
    assert READERS[reader](writer(value), []) == value


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("value", STANDARD_VALUES.values(), ids=STANDARD_VALUES)
def test_so_do_they_in_every_protocol(value, protocol):
    assert load_bytes(plain(value, protocol), []) == value


ARRAYS = {
    "plain": np.arange(6).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "0-d": np.array(1.5),
    "empty": np.zeros((0, 3)),
    "big-endian": np.arange(3, dtype=">i4"),
    "text": np.array(["a", "grün"]),
    "bytes": np.array([b"a", b"bc"]),
    "dates": np.array(["2020-01-01"], dtype="M8[ns]"),
    "objects": np.array([1, "x", None, [2]], dtype=object),
    "fields": np.zeros(2, [("a", "f8", (2, 3)), ("b", "U2"), ("c", [("d", "i1")])]),
    "fields with objects": np.array([(1, None)], dtype=[("a", "i4"), ("b", "O")]),
    "aligned": np.zeros(2, np.dtype([("a", "i1"), ("b", "i8")], align=True)),
    "titles": np.zeros(1, {"names": ["a"], "formats": ["i4"], "offsets": [4], "titles": ["T"]}),
    "matrix": np.arange(4).reshape(2, 2).view(np.matrix),
    "masked": np.ma.array([1.0, 2.0], mask=[True, False]),
    "masked objects": np.ma.array([1, None], mask=[True, False], dtype=object),
    "records": np.rec.array([(1, 2.0)], dtype=[("a", int), ("b", float)]),
    "scalar": np.float64(2.5),
    "scalar with fields": np.zeros(1, [("a", "i4")])[0],
    "date": np.datetime64("2020-01-01"),
    "dtype": np.dtype([("a", "i4")]),
    "type": np.float32,
    "class of a dtype": type(np.dtype("f8")),
    "function": np.add,
}


GENERATORS = {
    "RandomState": np.random.RandomState(1),
    **{
        name: np.random.Generator(getattr(np.random, name)(1))
        for name in ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
    },
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("name", ARRAYS)
def test_the_preset_numpy_trusts_arrays(name, writer):
    loaded = load_bytes(writer(ARRAYS[name]), ["numpy"])

    assert type(loaded) is type(ARRAYS[name])
    np.testing.assert_array_equal(loaded, ARRAYS[name])


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", ARRAYS)
def test_it_does_in_every_protocol(name, protocol):
    loaded = load_bytes(plain(ARRAYS[name], protocol), ["numpy"])

    np.testing.assert_array_equal(loaded, ARRAYS[name])


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("name", GENERATORS)
def test_it_trusts_generators_of_random_numbers(name, writer):
    written = pickle.loads(plain(GENERATORS[name]))

    loaded = load_bytes(writer(written), ["numpy"])

    np.testing.assert_array_equal(loaded.uniform(size=9), written.uniform(size=9))


@pytest.mark.parametrize("value", [np.arange(3), np.float64(1), np.array([None])], ids=repr)
@pytest.mark.parametrize("writer", WRITERS)
def test_arrays_are_refused_without_it(value, writer):
    with pytest.raises(UntrustedGlobalError, match=r"numpy.*trusted=\[\.\.\., 'numpy'\]"):
        load_bytes(writer(value), [])


def test_arrays_are_mapped_from_files_that_are_not_trusted(tmp_path):
    for name, write in (("fanfold", dump), ("joblib", joblib.dump)):
        write([np.arange(1000), "text"], tmp_path / name)

        loaded = load(tmp_path / name, mmap_mode="r", trusted=["numpy"])

        assert isinstance(loaded[0], np.memmap)
        np.testing.assert_array_equal(loaded[0], np.arange(1000))


def test_entries_of_stores_are_loaded_so_too(tmp_path):
    data = b"".join(encode([np.arange(3), Point(1, 2)]))
    (tmp_path / "entry").write_bytes(data)

    for trusted in ([], ["numpy"], [f"{HERE}.Point"]):
        with pytest.raises(UntrustedGlobalError):
            decode(data, trusted=trusted)
        with pytest.raises(UntrustedGlobalError):
            load_path(tmp_path / "entry", trusted=trusted)
    assert decode(data, trusted=["numpy", HERE])[1] == Point(1, 2)
    assert load_path(tmp_path / "entry", trusted=["numpy", HERE])[1] == Point(1, 2)


def test_a_fitted_model_is_loaded_with_the_preset_sklearn(tmp_path):
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    inputs = np.random.default_rng(0).random((60, 3))
    classes = inputs[:, 0] > 0.5
    for last in (
        RandomForestClassifier(3, random_state=0),
        KNeighborsClassifier(algorithm="kd_tree"),
        MLPClassifier((3,), solver="lbfgs", max_iter=500, random_state=0),
    ):
        model = make_pipeline(StandardScaler(), last).fit(inputs, classes)
        for write in (dump, joblib.dump):
            write(model, tmp_path / "model")

            loaded = load(tmp_path / "model", trusted=["sklearn"])

            np.testing.assert_array_equal(loaded.predict(inputs), model.predict(inputs))
            with pytest.raises(UntrustedGlobalError, match=r"trusted=\[\.\.\., 'sklearn'\]"):
                load(tmp_path / "model", trusted=["numpy"])


class Named(np.ndarray):
    """An array with a name, which its pickle has too."""

    name = None

    def __reduce__(self):
        function, arguments, state = super().__reduce__()
        return function, arguments, (state, self.name)

    def __setstate__(self, state):
        content, self.name = state
        super().__setstate__(content)


def test_a_class_of_arrays_may_have_a_state_of_its_own():
    array = np.arange(3).view(Named)
    array.name = "x"

    loaded = load_bytes(plain(array), ["numpy", __name__])

    assert (type(loaded), loaded.name, loaded.tolist()) == (Named, "x", [0, 1, 2])


def test_what_numpy_would_crash_on_is_refused_in_it_too():
    function, arguments, _ = np.arange(3).view(Named).__reduce__()
    state = ((1, (1000,), np.dtype("O"), False, [1]), "x")

    forged = Running(None)
    forged.call = function, arguments, state

    with pytest.raises(CorruptFileError, match="no list of 1000 objects"):
        load_bytes(plain(forged), ["numpy", __name__])


def test_large_numbers_are_loaded():
    assert load_bytes(plain({1 << 20_000: -(1 << 9000)}), []) == {1 << 20_000: -(1 << 9000)}


def test_tuples_that_contain_themselves_are_loaded():
    for length in (1, 3, 5):
        inner = []
        inner.append((inner,) * length)

        loaded = load_bytes(plain(inner), [])

        assert loaded[0][0] is loaded


def test_values_in_a_row_are_loaded_one_by_one():
    for writer in WRITERS[:2] + WRITERS[3:]:
        data = writer([1]) + writer([2])
        for file in (io.BytesIO(data), Pipe(data)):
            assert [load(file, trusted=[]), load(file, trusted=[])] == [[1], [2]]
