"""The inputs that a fuzzer once found of interest, and some that hypothesis makes of good files."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import joblib
import numpy as np
import pytest
from fanfold.persistence import encode
from fanfold.persistence.safety.trust import Permits
from hypothesis import given, settings, strategies as st

from . import target
from .target import WAYS, Finding, check, seeds

CORPUS = sorted(Path(__file__).with_name("corpus").iterdir())
VALUES = [
    {"a": [1, 2.5, None, True, "text", b"bytes"], (1, 2): {3}},
    [np.arange(6).reshape(2, 3), np.array([1, "x", None], dtype=object)],
    [np.array([(1, None)], dtype=[("a", "i4"), ("b", "O")]), np.float64(1), np.dtype("M8[s]")],
    [np.ma.array([1.0, 2.0], mask=[True, False]), np.random.RandomState(1)],
]


def files():
    """Return files of every kind that hold the values above."""
    made = []
    for value in VALUES:
        file = io.BytesIO()
        joblib.dump(value, file)
        made.append(file.getvalue())
        made.extend(pickle.dumps(value, protocol) for protocol in (0, 2, 5))
        made.extend(b"".join(encode(value, compress=method)) for method in (0, "zlib", "lz4"))
    return made


FILES = files()
READ_STREAM = [way.__name__ for way in WAYS].index("read_stream")
quick = settings(max_examples=250, deadline=None, derandomize=True)


@st.composite
def damaged(draw):
    """Make a good file into a bad one: cut, changed, moved or repeated somewhere."""
    data = bytearray(draw(st.sampled_from(FILES)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 12)))
        change = draw(st.sampled_from(["flip", "replace", "remove", "insert", "repeat", "cut"]))
        if change == "flip" and start < len(data):
            data[start] ^= 1 << draw(st.integers(0, 7))
        elif change == "replace":
            data[start:end] = draw(st.binary(min_size=end - start, max_size=end - start))
        elif change == "remove":
            del data[start:end]
        elif change == "insert":
            data[start:start] = draw(st.binary(max_size=12))
        elif change == "repeat":
            data[start:start] = data[start:end]
        elif change == "cut":
            del data[max(start, 4) :]
    return bytes(data)


@pytest.mark.parametrize("way", range(len(WAYS)), ids=[way.__name__ for way in WAYS])
def test_the_inputs_of_the_corpus_end_well(way):
    for path in CORPUS:
        data = path.read_bytes()
        if data and data[0] % len(WAYS) == way:
            check(data)


def test_the_corpus_reaches_every_way():
    assert {path.read_bytes()[0] % len(WAYS) for path in CORPUS} == set(range(len(WAYS)))


def test_what_a_fuzzer_begins_with_ends_well():
    for data in seeds():
        check(data)


@quick
@given(data=damaged(), way=st.integers(0, len(WAYS) - 1))
def test_damaged_files_end_well(data, way):
    check(bytes([way]) + data)


@pytest.mark.parametrize("array", [np.arange(3), np.array([None]), np.zeros(1, "M8[s]")], ids=repr)
def test_every_bit_of_a_small_file_may_be_flipped(array):
    file = io.BytesIO()
    joblib.dump(array, file)
    for whole in (file.getvalue(), pickle.dumps(array, 5)):
        for position in range(8 * len(whole)):
            flipped = bytearray(whole)
            flipped[position // 8] ^= 1 << position % 8
            check(b"\0" + flipped)


@quick
@given(stream=st.sampled_from([file for file in FILES if file[:1] == b"\x80"]), data=st.data())
def test_damaged_streams_with_right_checksums_end_well(stream, data):
    damaged = bytearray(stream)
    for _ in range(data.draw(st.integers(1, 5))):
        position = data.draw(st.integers(0, len(damaged) - 1))
        damaged[position] = data.draw(st.integers(0, 255))

    check(bytes([READ_STREAM]) + bytes(damaged) + b"\x08\x08\x08\x08")


@quick
@given(
    st.lists(
        st.sampled_from(
            [bytes([code]) for code in b"()]}.0123NRabcdeghijklopqrstu\x80\x81\x85\x93"]
        )
        | st.binary(max_size=3),
        max_size=40,
    )
)
def test_opcodes_in_any_order_end_well(opcodes):
    check(bytes([READ_STREAM]) + b"".join(opcodes) + b"." + bytes(4))


@pytest.mark.parametrize("error", [ZeroDivisionError(), MemoryError(), RecursionError()], ids=repr)
def test_something_else_than_a_refusal_is_a_finding(monkeypatch, error):
    def fail(data):
        raise error

    monkeypatch.setattr(target, "WAYS", [fail])

    with pytest.raises(type(error)):
        check(b"\0")


def test_an_import_that_the_rehearsal_has_missed_is_a_finding(monkeypatch):
    monkeypatch.setattr(Permits, "resolved", lambda permits: {})

    with pytest.raises(Finding):
        check(bytes([0]) + pickle.dumps(1j))
