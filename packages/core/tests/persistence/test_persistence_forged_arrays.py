"""Descriptions of arrays that numpy would believe, and crash: refused before it sees them."""

import io
import pickle
import struct

import joblib
import numpy as np
import pytest
from fanfold.errors import CorruptFileError
from fanfold.persistence import decode, dump, encode, load
from xxhash import xxh3_64_intdigest

RECONSTRUCT = np.zeros(0).__reduce__()[0]
FROM_BUFFER = np.zeros(1).__reduce_ex__(5)[0]
SCALAR = np.float64(0).__reduce__()[0]
MASKED = np.ma.array([1]).__reduce__()[0]
RANDOM_STATE = np.random.RandomState(0)
OBJECTS = np.dtype("O")


class Made:
    """What a pickle makes by a call and a state."""

    def __init__(self, function, arguments, state=None):
        self.parts = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.parts


def dtype(name, *state):
    return Made(np.dtype, (name, False, True), state)


def array(state, shape=(0,), kind=np.ndarray):
    return Made(RECONSTRUCT, (kind, shape, b"b"), state)


def fields(*described, size=8, flags=16):
    names = tuple(name for name, _, _ in described)
    by_name = {name: (kind, offset) for name, kind, offset in described}
    return dtype(f"V{size}", 3, "|", None, names, by_name, size, 1, flags)


def deep(depth):
    made = np.dtype("i1")
    for _ in range(depth):
        made = fields(("a", made, 0), size=1)
    return made


def twice(shared, make):
    return [make(shared), make(shared)]


class Description:
    """What joblib writes for an array, with another state."""

    def __init__(self, **changed):
        self.changed = changed

    def __reduce__(self):
        from joblib.numpy_pickle import NumpyArrayWrapper

        state = {
            "subclass": np.ndarray,
            "shape": (2,),
            "order": "C",
            "dtype": np.dtype("i1"),
            "allow_mmap": False,
            **self.changed,
        }
        return NumpyArrayWrapper.__new__, (NumpyArrayWrapper,), state


def random_state(**changed):
    function, arguments, state = RANDOM_STATE.__reduce__()
    return Made(function, arguments, {**state, "state": {**state["state"], **changed}})


def masked(data=None, mask=None, *, fill=None, start=(None, False, True, 0), last=(False,)):
    data = np.zeros(3) if data is None else data
    mask = np.zeros(3, bool) if mask is None else mask
    return Made(np.ma.MaskedArray, (data, mask, *start, fill, True, False, *last))


I4, F8 = np.dtype("i4"), np.dtype("f8")
LIST = [1, 2]
BYTES = bytes(2000)

FORGED = {
    "objects of bytes": Made(FROM_BUFFER, (bytes(16), OBJECTS, (2,), "C")),
    "objects of bytes in a state": array((1, (2,), OBJECTS, False, bytes(16))),
    "too few objects": array((1, (100_000,), OBJECTS, False, [1])),
    "too few masked objects": Made(
        MASKED,
        (np.ma.MaskedArray, np.ndarray, (0,), "b"),
        (1, (1000,), OBJECTS, False, [1], b"\0", None),
    ),
    "objects in no list": array((1, (2,), OBJECTS, False, (1, 2))),
    "bytes in a list": array((1, (2,), I4, False, [1, 2])),
    "flags without objects": array(
        (1, (2,), fields(("a", OBJECTS, 0), flags=16), False, bytes(16))
    ),
    "flags of objects": array((1, (2,), fields(("a", F8, 0), flags=27), False, [1, 2])),
    "flags of a number": array(
        (1, (2,), dtype("f8", 3, "<", *[None] * 3, -1, -1, 63), False, LIST)
    ),
    "no flags of an object": array(
        (1, (2,), dtype("O8", 3, "|", *[None] * 3, -1, -1, 0), False, bytes(16))
    ),
    "a field outside": fields(("a", F8, 1_000_000_000)),
    "a field that begins before": fields(("a", F8, -8)),
    "a field that ends outside": fields(("a", F8, 1)),
    "overlapping objects": fields(("a", OBJECTS, 0), ("b", I4, 4), size=16, flags=27),
    "a name without field": dtype("V8", 3, "|", None, ("b",), {"a": (F8, 0)}, 8, 1, 16),
    "more names than fields": dtype("V8", 3, "|", None, ("a",) * 5, {"a": (F8, 0)}, 8, 1, 16),
    "one name twice": dtype("V8", 3, "|", None, ("a", "a"), {"a": (I4, 0), "b": (I4, 4)}, 8, 1, 16),
    "fields of no kind": dtype("V8", 3, "|", None, ("a",), [1], 8, 1, 16),
    "a field of no kind": dtype("V8", 3, "|", None, ("a",), {"a": 1}, 8, 1, 16),
    "a field without dtype": dtype("V8", 3, "|", None, ("a",), {"a": (1, 0)}, 8, 1, 16),
    "names of no kind": dtype("V8", 3, "|", None, (1,), {1: (F8, 0)}, 8, 1, 16),
    "fields and a shape": dtype("V8", 3, "|", (F8, (1,)), ("a",), {"a": (F8, 0)}, 8, 1, 16),
    "another size": dtype("V8", 3, "|", None, None, None, 800, 1, 0),
    "a negative size": dtype("S5", 3, "|", None, None, None, -5, 1, 0),
    "another size of a number": dtype("f8", 3, "<", None, None, None, 800, 1, 0),
    "fields of a number": dtype("f8", 3, "<", None, ("a",), {"a": (F8, 0)}, -1, -1, 0),
    "no alignment": dtype("V8", 3, "|", None, None, None, 8, 0, 0),
    "no byte order": dtype("f8", 3, "x", None, None, None, -1, -1, 0),
    "no version": dtype("f8", 9, "<", None, None, None, -1, -1, 0),
    "no number": dtype("f8", 3, "<", None, None, None, None, -1, 0),
    "too little state": dtype("f8", 3, "<"),
    "a smaller subarray": dtype("V8", 3, "|", (F8, (2,)), None, None, 8, 1, 0),
    "a subarray of no kind": dtype("V8", 3, "|", F8, None, None, 8, 1, 0),
    "no unit of time": dtype("M8", 4, "<", *[None] * 3, -1, -1, 0, (None, (b"ns", 0, 1, 1))),
    "time without a unit": array(
        (1, (2,), dtype("m8", 3, "<", *[None] * 3, -1, -1, 0), False, 16 * b"1")
    ),
    "time with a dictionary": dtype("M8", 4, "<", *[None] * 3, -1, -1, 0, {}),
    "a number with a unit": dtype("i8", 4, "<", *[None] * 3, -1, -1, 0, (None, (b"ns", 1, 1, 1))),
    "flags that have numbers made by Python": dtype("f8", 3, "<", *[None] * 3, -1, -1, 0x20),
    "flags that have fields made by Python": fields(("a", F8, 0), flags=0x30),
    "deep dtypes": deep(50),
    "fields used twice": (
        lambda shared: [
            dtype("V8", 3, "|", None, ("a",), shared, 8, 1, 16),
            dtype("V8", 3, "|", None, ("a",), shared, 8, 1, 16),
        ]
    )({"a": (F8, 0)}),
    "a type of no kind": Made(np.dtype, ("no type", False, True)),
    "a type of gigabytes": Made(np.dtype, ("S4000000000", False, True)),
    "a type with a function": Made(np.dtype, (np.add, False, True)),
    "a type with fewer flags": Made(np.dtype, ("f8",)),
    "a type with other flags": Made(np.dtype, ("f8", "x", True)),
    "the state of a type that all use": Made(np.dtype, ("f8", False, False), (3, ">")),
    "a large array of nothing": array((1, (0,), I4, False, b""), shape=(10**12,)),
    "a negative shape": array((1, (-1,), I4, False, b"")),
    "a huge shape": array((1, (2**61, 4), I4, False, b"")),
    "a shape of 100 dimensions": array((1, (1,) * 100, I4, False, bytes(4))),
    "a trillion items of no size": array((1, (10**12,), np.dtype("V0"), False, b"")),
    "a shape of no kind": array((1, ("a",), I4, False, b"")),
    "no dtype": array((1, (1,), 5, False, b"1234")),
    "no content": array((1, (1,), I4, False, None)),
    "no state of an array": array(5),
    "half a state": array((1, (1,), I4)),
    "half a state of older kind": array(((1,), I4, False)),
    "no class": Made(RECONSTRUCT, (5, (0,), b"b"), (1, (0,), I4, False, b"")),
    "more arguments": Made(RECONSTRUCT, (np.ndarray, (0,), b"b", 1)),
    "half a masked array": Made(
        MASKED, (np.ma.MaskedArray, np.ndarray, (0,), "b"), (1, (0,), I4, False, b"")
    ),
    "a mask of nothing": masked(data=5),
    "a mask of another shape": masked(mask=np.zeros(1, bool)),
    "a mask of another type": masked(mask=np.zeros(3, "u1")),
    "a mask of no kind": masked(mask=5),
    "a mask to be made": masked(mask=np.True_),
    "a masked array of a type to be made": masked(start=(F8, False, True, 0)),
    "a masked array to be copied": masked(start=(None, True, True, 0)),
    "a fill value of no kind": masked(fill=5),
    "many fill values": masked(fill=np.zeros(3)),
    "a fill value to make much of": masked(
        np.zeros(0, "S2000000"), np.zeros(0, bool), fill=np.array("a")
    ),
    "settings of a masked array of no kind": masked(last=("x",)),
    "fewer settings of a masked array": masked(last=()),
    "a list taken twice": twice(LIST, lambda one: array((1, (2,), OBJECTS, False, one))),
    "bytes taken twice": twice(BYTES, lambda one: array((1, (2000,), np.dtype("i1"), 0, one))),
    "a buffer taken twice": twice(
        BYTES, lambda one: Made(FROM_BUFFER, (one, np.dtype(">i4"), (500,), "C"))
    ),
    "no order": Made(FROM_BUFFER, (bytes(8), F8, (1,), "X")),
    "too little in a buffer": Made(FROM_BUFFER, (bytes(8), F8, (1000,), "C")),
    "no buffer": Made(FROM_BUFFER, (None, F8, (1,), "C")),
    "a scalar of objects": Made(SCALAR, (OBJECTS, b"12345678")),
    "a scalar of nothing": Made(SCALAR, (Made(np.dtype, ("V2000000000", False, True)),)),
    "a scalar of no bytes": Made(SCALAR, (F8, 5)),
    "a short scalar": Made(SCALAR, (F8, b"123")),
    "no array to view": Made(np.ndarray.view, (Made(np.dtype, ("f8", False, True)), np.matrix)),
    "another view": Made(np.ndarray.view, (np.arange(3), np.ma.MaskedArray)),
    "a position outside": random_state(pos=10**6),
    "a position that is no number": random_state(pos=None, buffer_pos="x"),
    "a short key": random_state(key=np.zeros(3, "u4")),
    "a generator of no kind": Made(RANDOM_STATE.__reduce__()[0], (5,)),
    "a generator of nothing": Made(RANDOM_STATE.__reduce__()[0], ()),
    "a generator made by another": Made(RANDOM_STATE.__reduce__()[0], ("MT19937", np.add)),
    "no state of a generator": Made(RANDOM_STATE.__reduce__()[0], ("MT19937",), {"state": 1}),
    "no bit generator": Made(RANDOM_STATE._bit_generator.__reduce__()[0], (np.add,)),
    "no seed": Made(np.random.SeedSequence(1).__reduce__()[0], (np.float64, 1, None)),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_array_is_refused(name):
    data = pickle.dumps(FORGED[name], 5)

    with pytest.raises(CorruptFileError, match=r"byte \d+ of its pickle|cannot be rebuilt"):
        load(io.BytesIO(data), trusted=["numpy"])


def test_an_array_gets_one_state_only():
    made = pickle.dumps(np.array([None]), 4)
    state = made[made.rindex(b"(K\x01") : -1]

    assert load(io.BytesIO(made[:-1] + b"."), trusted=["numpy"]).tolist() == [None]
    with pytest.raises(CorruptFileError, match="the array is in use already"):
        load(io.BytesIO(made[:-1] + state + b"."), trusted=["numpy"])


def test_a_buffer_must_have_the_size_of_its_array():
    whole = b"".join(encode(np.arange(3, dtype="i1")))
    longer = b"".join(encode(np.arange(5, dtype="i1")))
    stream = pickle.dumps(np.arange(3, dtype="i1"), 5, buffer_callback=lambda _: None)
    part = struct.pack("<4sIQQ", b"PART", 1, len(stream), xxh3_64_intdigest(stream)) + stream

    assert decode(whole[: whole.index(b"PART")] + part, trusted=["numpy"]).tolist() == [0, 1, 2]
    with pytest.raises(CorruptFileError, match="a buffer of 5 bytes for an array of 3"):
        decode(longer[: longer.index(b"PART")] + part, trusted=["numpy"])


def test_a_stream_that_goes_on_is_refused():
    stream = pickle.dumps([1], 5) + b"more"
    part = struct.pack("<4sIQQ", b"PART", 1, len(stream), xxh3_64_intdigest(stream)) + stream
    start = b"".join(encode(1))[:64]

    with pytest.raises(CorruptFileError, match="goes on behind the end"):
        decode(start + part, trusted=[])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_numpy_would_crash_on_never_gets_there():
    expected = {"too little in a buffer", "a short scalar", "a trillion items of no size"}
    reached = set()

    for name, value in FORGED.items():
        with pytest.raises(CorruptFileError) as caught:
            load(io.BytesIO(pickle.dumps(value, 5)), trusted=["numpy"])
        if "cannot be rebuilt" in str(caught.value):
            reached.add(name)

    assert reached <= expected


@pytest.mark.parametrize("mmap_mode", [None, "r"])
def test_an_array_cannot_be_made_of_addresses_even_in_a_trusted_file(mmap_mode, tmp_path):
    dump([FORGED["objects of bytes"], np.zeros(3)], tmp_path / "value")

    with pytest.raises(CorruptFileError, match="an array of object cannot be made of bytes"):
        load(tmp_path / "value", mmap_mode=mmap_mode)


def test_nor_can_it_in_a_plain_pickle():
    data = pickle.dumps(FORGED["objects of bytes"], 5)
    part = struct.pack("<4sIQQ", b"PART", 0, len(data), xxh3_64_intdigest(data)) + data
    last = struct.pack("<4sIQQ", b"PART", 1, 0, xxh3_64_intdigest(b""))

    with pytest.raises(CorruptFileError, match="a dtype with objects, which no buffer has"):
        load(io.BytesIO(data))
    with pytest.raises(CorruptFileError, match="an array of object cannot be made of bytes"):
        decode(b"".join(encode(1))[:64] + part + last)


def test_a_dtype_stays_as_it_is_once_an_array_has_it():
    made = pickle.dumps(np.dtype("V8"), 4)[:-1]  # the dtype stays on the stack, and in the memo
    function = b"cnumpy._core.numeric\n_frombuffer\n"
    late = pickle.dumps((3, "|", None, None, None, 8, 1, 0), 4)[11:-1]
    used = made + b"q\x30" + b"0" + function + b"(C\x08" + bytes(8) + b"h\x30K\x01\x85VC\ntR0h\x30"

    with pytest.raises(CorruptFileError, match="in use already"):
        load(io.BytesIO(used + late + b"b."), trusted=["numpy"])


def test_the_fields_of_a_dtype_stay_as_they_are():
    made = pickle.dumps({"a": (F8, 0)}, 4)[11:-1]
    data = (
        b"\x80\x04" + made + b"q\x300cnumpy\ndtype\n(VV8\n\x89\x88tR"
        b"(K\x03V|\nN(Va\nth\x30K\x08K\x01K\x10tb0h\x30Va\nNs."
    )

    with pytest.raises(CorruptFileError, match="a dictionary that is in use"):
        load(io.BytesIO(data), trusted=["numpy"])


@pytest.mark.parametrize(
    "changed",
    [
        {"shape": (10**12,)},
        {"shape": (2**62,)},
        {"shape": (-1,)},
        {"shape": None},
        {"dtype": None},
        {"order": "X"},
        {"subclass": None},
        {"numpy_array_alignment_bytes": 16},
        {"dtype": OBJECTS},
    ],
    ids=str,
)
def test_a_forged_description_of_joblib_is_refused(changed):
    file = io.BytesIO()
    joblib.dump(np.zeros(3, "i1"), file, protocol=4)
    written = file.getvalue()
    start = written[: written.index(b"}")]
    state = {
        "subclass": np.ndarray,
        "shape": (3,),
        "order": "C",
        "dtype": np.dtype("i1"),
        "allow_mmap": False,
        "numpy_array_alignment_bytes": None,
        **changed,
    }
    described = start.replace(start[2:11], b"") + pickle.dumps(state, 3)[2:-1] + b"b"
    whole = described + bytes(3) + b"."

    with pytest.raises(CorruptFileError):
        load(io.BytesIO(whole), trusted=["numpy"])


def test_an_array_of_joblib_is_described_once():
    file = io.BytesIO()
    joblib.dump(np.zeros(3, "i1"), file, protocol=4)
    again = pickle.dumps({"subclass": np.ndarray}, 3)[2:-1] + b"b."

    with pytest.raises(CorruptFileError, match="the array is described already"):
        load(io.BytesIO(file.getvalue()[:-1] + again), trusted=["numpy"])


def test_masked_arrays_without_the_change_are_not_refused():
    for made in (masked(), masked(mask=np.False_), masked(fill=np.array(5))):
        loaded = load(io.BytesIO(pickle.dumps(made, 5)), trusted=["numpy"])

        assert loaded.tolist() == [0, 0, 0]


def test_it_is_the_change_that_is_refused():
    file = io.BytesIO()
    joblib.dump(np.zeros(3, "i1"), file, protocol=4)

    np.testing.assert_array_equal(load(io.BytesIO(file.getvalue()), trusted=["numpy"]), [0, 0, 0])
