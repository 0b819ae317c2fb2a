"""`hash` of numpy arrays: dtype, shape and values count, layout and memory maps do not."""

import copy
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest
from fanfold.errors import UnhashableValueError
from fanfold.hashing import hash, register_hasher

RNG = np.random.default_rng(0)
GRID = RNG.random((60, 50))
LARGE = RNG.random((600, 500))
RECORDS = np.array([(1, 2.5, b"a"), (2, 3.5, b"b")], dtype="i1,f8,S3")


def padded(records):
    dtype = np.dtype(records.dtype.descr, align=True)
    array = np.frombuffer(b"\xff" * dtype.itemsize * len(records), dtype=dtype).copy()
    for name in dtype.names:
        array[name] = records[name]
    return array


def object_array(*items):
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (GRID, GRID.copy()),
        (GRID, np.asfortranarray(GRID)),
        (LARGE, np.asfortranarray(LARGE)),
        (GRID[::2, ::3], GRID[::2, ::3].copy()),
        (LARGE[::2, ::-3], LARGE[::2, ::-3].copy()),
        (LARGE.T, LARGE.T.copy()),
        (np.broadcast_to(1.0, (300, 300)), np.ones((300, 300))),
        (RECORDS, padded(RECORDS)),
        (RECORDS["f1"], RECORDS["f1"].copy()),
        (np.asfortranarray(LARGE.astype("M8[s]")), LARGE.astype("M8[s]")),
        (object_array("a", {1, 2}), object_array("a", {2, 1})),
        (object_array("a", "b", "c")[::2], object_array("a", "c")),
        (np.float64("nan"), -np.float64("nan")),
        (np.array([np.nan, 1.0]), -np.array([np.nan, -1.0])),
        (np.array([complex(1, np.nan)]), np.array([complex(1, -np.nan)])),
        (np.array(-np.longdouble("nan")), np.array(np.longdouble("nan"))),
        (np.array(["a", "bcd"]), np.array(["a", "bcd"], order="F")),
        (np.longdouble(1) / 3, np.longdouble(1) / 3),
        (np.ones(3, "g") / 3, (np.ones(6, "g") / 3)[::2]),
        (np.ones(3, "G") / 3, (np.ones(6, "G") / 3)[::2]),
        (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 9, 2], mask=[0, 1, 1])[::2]),
        (np.ma.array([1, 2]), np.ma.array([1, 2], mask=[0, 0])),
        (np.random.default_rng(3), np.random.default_rng(3)),
        (np.random.RandomState(3), np.random.RandomState(3)),
    ],
    ids=lambda value: f"{type(value).__name__}{getattr(value, 'dtype', '')}"[:40],
)
def test_layout_does_not_count(one, other):
    assert hash(one) == hash(other)


DIFFERENT = [
    *(np.zeros(4), np.zeros(4, "f4"), np.zeros(4, "i8"), np.zeros(4, ">f8"), np.zeros(8, "f4")),
    *(np.zeros((2, 2)), np.zeros((4, 1)), np.zeros((1, 4)), np.zeros(0), np.zeros((0, 3))),
    *(np.zeros((3, 0)), np.array(0.0), np.float64(0), np.float32(0), np.int64(0), 0.0, 0),
    *(
        np.array([0, 1]),
        np.array([False, True]),
        np.array([0, 1], "M8[s]"),
        np.array([0, 1], "m8[s]"),
    ),
    *(np.array([0, 1], "M8[D]"), np.datetime64(1, "s"), np.datetime64(1, "D"), np.bool_(False)),
    *(np.array(["a"]), np.array(["a"], "U5"), np.array([b"a"]), object_array("a"), ["a"]),
    *(object_array(1, 2), object_array(1, 2.0), object_array([1], 2), np.array([[1, 2]], object)),
    *(RECORDS, RECORDS[["f0", "f1"]], RECORDS[0], RECORDS[1], RECORDS.view(np.recarray)),
    *(np.zeros(2, "i4,i4"), np.zeros(2, [("a", "i4"), ("b", "i4")]), np.zeros(2, [("a", "i4", 2)])),
    *(
        np.array([-0.0] * 4),
        np.array([np.nan]),
        np.float64("nan"),
        np.zeros(4, "f2"),
        np.zeros(4, "g"),
    ),
    *(np.zeros((1, 2)).view(np.matrix), np.zeros((1, 2)), np.ma.array([1, 2]), np.array([1, 2])),
    *(np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[1, 0]), np.dtype("f8")),
    *(np.dtype("f4"), np.dtype("i4,f4"), np.dtype([("a", "f4", (2,))]), np.float64, np.float32),
    *(np.sin, np.cos, np.linalg.norm, np.mean, np.random.default_rng(1), np.random.default_rng(2)),
    *(LARGE, LARGE.T, LARGE[:300], LARGE.astype("f4"), LARGE.view("i8"), LARGE.reshape(-1)),
]


def test_different_arrays_have_different_hashes():
    hashes = {}
    for value in DIFFERENT:
        hashes.setdefault(hash(value), []).append(value)

    assert [same for same in hashes.values() if len(same) > 1] == []


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
@pytest.mark.parametrize("coerce_mmap", [True, False])
def test_a_memory_map_has_the_hash_of_the_array(tmp_path, mode, coerce_mmap):
    np.save(tmp_path / "large.npy", LARGE)

    mapped = np.load(tmp_path / "large.npy", mmap_mode=mode)

    assert isinstance(mapped, np.memmap)
    assert hash([mapped], coerce_mmap=coerce_mmap) == hash([LARGE])


def test_attributes_of_subclasses_count():
    class Measured(np.ndarray):
        pass

    metres, feet = np.ones(3).view(Measured), np.ones(3).view(Measured)
    metres.unit, feet.unit = "m", "ft"

    assert len({hash(metres), hash(feet), hash(np.ones(3))}) == 3


@pytest.mark.skipif(not hasattr(np.dtypes, "StringDType"), reason="numpy 1 has no such dtype")
def test_text_of_variable_width_counts_by_its_characters():
    words = ["a", "a much longer word than fits in place", "b"]

    one, other = (np.array(words, dtype=np.dtypes.StringDType()) for _ in range(2))

    assert hash(one) == hash(other)
    assert hash(one) != hash(one[::-1])


@pytest.mark.parametrize("hash_name", ["xxh3_64", "sha256"])
def test_large_arrays_have_a_hash_of_every_name(hash_name):
    one, other, third = LARGE, np.asfortranarray(LARGE), LARGE + 1

    assert hash(one, hash_name) == hash(other, hash_name) != hash(third, hash_name)


def test_dtypes_that_libraries_add_count_by_name():
    rational = pytest.importorskip("numpy._core._rational_tests").rational

    assert hash(np.zeros(2, rational)) == hash(np.zeros(2, rational))
    assert hash(np.zeros(2, rational)) != hash(np.zeros(2, "V8"))


def test_a_ufunc_that_was_made_of_a_function_is_refused():
    made = np.frompyfunc(lambda x: x, 1, 1)

    with pytest.raises(UnhashableValueError, match="frompyfunc"):
        hash(made)


def test_an_array_that_holds_itself_is_hashed():
    def ring():
        array = object_array(np.ones(5), None)
        array[1] = array
        return array

    assert hash(ring()) == hash(ring())


@pytest.mark.skipif(not hasattr(np.dtypes, "StringDType"), reason="numpy 1 has no such dtype")
def test_what_stands_for_missing_text_is_part_of_the_dtype():
    words, dtype = ["a", "b"], np.dtypes.StringDType

    dtypes = [dtype(), dtype(na_object=None), dtype(na_object=np.nan), dtype(coerce=False)]

    assert len({hash(np.array(words, dtype)) for dtype in dtypes}) == 4


GENERATORS = {
    "PCG64": np.random.default_rng,
    "PCG64DXSM": lambda seed: np.random.Generator(np.random.PCG64DXSM(seed)),
    "Philox": lambda seed: np.random.Generator(np.random.Philox(seed)),
    "SFC64": lambda seed: np.random.Generator(np.random.SFC64(seed)),
    "MT19937": lambda seed: np.random.Generator(np.random.MT19937(seed)),
    "RandomState": np.random.RandomState,
    "bits": np.random.PCG64,
    "seeds": np.random.SeedSequence,
}


@pytest.mark.parametrize("make", GENERATORS.values(), ids=GENERATORS)
def test_a_random_generator_counts_by_its_state(make):
    generator = make(3)
    before = hash(generator)

    assert before == hash(copy.deepcopy(generator)) == hash(pickle.loads(pickle.dumps(generator)))
    assert before != hash(make(4))


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState])
def test_a_random_generator_that_was_used_is_another(make):
    generator, used, spawned = make(3), make(3), np.random.default_rng(3)

    used.normal()
    spawned.spawn(1)

    assert len({hash(generator), hash(used), hash(spawned)}) == 3


def test_generators_of_several_kinds_differ():
    assert len({hash(make(3)) for make in GENERATORS.values()}) == len(GENERATORS)


def test_an_estimator_counts_by_its_parameters_and_what_it_was_fitted_to():
    linear = pytest.importorskip("sklearn.linear_model")
    ensemble = pytest.importorskip("sklearn.ensemble")
    for make in (linear.Ridge, lambda: ensemble.RandomForestClassifier(3, random_state=0)):
        fresh = hash(make())

        fitted = make().fit(GRID, np.arange(60) % 2)

        assert hash(make()) == fresh != hash(fitted)
        assert hash(fitted) == hash(make().fit(GRID, np.arange(60) % 2))
        assert hash(fitted) == hash(pickle.loads(pickle.dumps(fitted)))
        assert hash(fitted) != hash(make().fit(GRID, np.arange(60) % 3))
        assert hash(fitted.predict) != hash(make().predict)


def test_an_item_without_a_value_is_named_by_its_place():
    items = object_array([1, threading.Lock()], 2).reshape(1, 2)

    with pytest.raises(
        UnhashableValueError, match=r"obj\['a'\]\.flat\[0\]\[1\] is a '_thread.lock'"
    ):
        hash({"a": items})


def test_a_hasher_for_a_library_stays_when_the_library_comes_later():
    program = (
        "from fanfold.hashing import hash, register_hasher\n"
        "register_hasher('numpy.ndarray', lambda array: 'always the same')\n"
        "import numpy as np\n"
        "print(hash(np.zeros(3)) == hash(np.ones(4)), hash(np.float32(1)) == hash(np.float32(2)))"
    )

    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout

    assert printed.strip() == "True False"


def test_a_hasher_takes_the_place_of_a_built_in_one():
    class Grid(np.ndarray):
        pass

    register_hasher(Grid, lambda grid: "always the same")

    assert hash(np.zeros(2).view(Grid)) == hash(np.ones(3).view(Grid))
