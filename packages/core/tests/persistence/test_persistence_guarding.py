"""Damaged files of joblib and pickle are refused, even if they may run what they like."""

import io
import pickle
import zlib
from contextlib import suppress
from functools import partial

import joblib
import numpy as np
import pytest
from fanfold.errors import CorruptFileError
from fanfold.persistence import load

RECONSTRUCT = np.zeros(0).__reduce__()[0]
OBJECTS = np.dtype("O")


class Made:
    """What a pickle makes by a call and a state."""

    def __init__(self, function, arguments, state=None):
        self.parts = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.parts


class Subclass(np.ndarray):
    """An array that pickles more than numpy's."""

    def __reduce__(self):
        function, arguments, state = super().__reduce__()
        return function, arguments, (*state, "more")

    def __setstate__(self, state):
        super().__setstate__(state[:-1])


class Odd:
    """An object that a call of what a call has returned rebuilds."""

    def __init__(self, value):
        self.value = value

    def __reduce__(self):
        return partial(Odd, self.value), ()

    def __eq__(self, other):
        return type(other) is Odd and other.value == self.value

    __hash__ = None


def dtype(name, *state):
    return Made(np.dtype, (name, False, True), state)


def array(*state):
    return Made(RECONSTRUCT, (np.ndarray, (0,), b"b"), (1, *state))


def in_joblibs_file(value):
    file = io.BytesIO()
    joblib.dump([np.arange(3), value], file)
    return file.getvalue()


def pipe(data):
    class Pipe:
        read = io.BytesIO(data).read

    return Pipe()


CRASHING = {
    "too few objects": array((100_000,), OBJECTS, False, [1]),
    "objects of bytes": array((2,), OBJECTS, False, bytes(16)),
    "flags of objects": dtype("f8", 3, "<", None, None, None, -1, -1, 63),
    "a field outside": dtype("V8", 3, "|", None, ("a",), {"a": (np.dtype("f8"), 10**9)}, 8, 1, 16),
    "time without a unit": dtype("m8", 3, "<", None, None, None, -1, -1, 0),
}
WAYS = {
    "a file": io.BytesIO,
    "a pipe": pipe,
    "a compressed file": lambda data: io.BytesIO(zlib.compress(data)),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", CRASHING)
@pytest.mark.parametrize("write", [pickle.dumps, in_joblibs_file], ids=["pickle", "joblib"])
def test_what_numpy_would_crash_on_never_gets_there(name, way, write):
    with pytest.raises(CorruptFileError, match="of its pickle"):
        load(WAYS[way](write(CRASHING[name])))


@pytest.mark.parametrize("write", [pickle.dumps, in_joblibs_file], ids=["pickle", "joblib"])
def test_every_bit_of_a_small_file_may_be_flipped(write):
    whole = write(np.array([1, None], dtype=object))

    for position in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[position // 8] ^= 1 << position % 8
        with suppress(Exception):  # whatever pickle and the classes say, but no crash
            load(io.BytesIO(flipped))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [1 << 33, 1 << 62])
def test_a_claim_is_refused_before_there_is_memory_for_it(size, way):
    for opcode in (b"\x8d", b"\x8e", b"\x96"):
        data = b"\x80\x05" + opcode + size.to_bytes(8, "little") + b"abc."

        with pytest.raises(CorruptFileError, match="truncated or damaged"):
            load(WAYS[way](data))


def test_a_number_to_remember_something_under_takes_no_memory():
    with pytest.raises(CorruptFileError, match="remembers something as number 4294967295"):
        load(io.BytesIO(b"\x80\x04Nr\xff\xff\xff\xff."))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("write", [pickle.dumps, in_joblibs_file], ids=["pickle", "joblib"])
@pytest.mark.parametrize(
    "value",
    [
        np.arange(4).view(Subclass),
        Odd(5),
        {"deep": [Odd([Odd(1)])]},
        np.ma.array([1.0, 2.0], mask=[True, False]),
        np.random.RandomState(1),
        np.zeros(2, [("a", "f8", (2, 3)), ("b", "O")]),
        [np.dtype("M8[ns]"), np.add, np.float64(1), {1, 2}, frozenset("ab"), bytearray(b"abc")],
        "text" * 10_000,
        b"bytes" * 100_000,
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_is_whole_is_loaded(value, write, way):
    loaded = load(WAYS[way](write(value)))

    loaded = loaded[1] if write is in_joblibs_file else loaded
    assert type(loaded) is type(value)
    if not isinstance(value, np.random.RandomState):
        np.testing.assert_equal(loaded, value)


@pytest.mark.parametrize("way", WAYS)
def test_arrays_whose_dtype_is_not_numpys_are_loaded(way):
    rational = pytest.importorskip("numpy._core._rational_tests").rational
    values = [np.array([rational(1, 2), rational(3)]), "text", np.arange(3)]
    file = io.BytesIO()
    joblib.dump(values, file)

    for data in (pickle.dumps(values), file.getvalue()):
        for loaded, expected in zip(load(WAYS[way](data)), values, strict=True):
            np.testing.assert_array_equal(loaded, expected)


def test_several_values_in_a_pipe_are_loaded_one_by_one():
    file = io.BytesIO()
    values = [[1, 2], np.arange(5), {"a": np.array([None])}]
    for value in values:
        joblib.dump(value, file)
    stream = pipe(file.getvalue())

    assert load(stream) == [1, 2]
    np.testing.assert_array_equal(load(stream), np.arange(5))
    assert load(stream)["a"].tolist() == [None]
