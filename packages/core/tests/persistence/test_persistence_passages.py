"""Large pickles of plain values are rehearsed quickly; what they mean stays the same."""

import io
import pickle
import struct
from contextlib import suppress

import numpy as np
import pytest
from fanfold.errors import CorruptFileError, UntrustedGlobalError
from fanfold.persistence import load

N = 3000  # so much that passages are worth looking for

BYTES = [bytes([n]) for n in (0x28, 0x2E, 0x5D, 0x75, 0x7D, 0x85, 0x86, 0x87, 0x94)]
VALUES = {
    "records": [
        {"id": i, "name": f"item {i}", "share": i / 7, "flag": i % 2 == 0} for i in range(N)
    ],
    "texts of every byte": [{"text": chr(i % 0x500)} for i in range(N)],
    "numbers of every byte": [{"n": i, "m": -i, "k": i << 40} for i in range(0, N << 8, 1 << 8)],
    "records in records": [{"a": {"b": [1, i]}, "c": [f"t{i}", None]} for i in range(N)],
    "lists": [[i, None, "text", [True, i / 3]] for i in range(N)],
    "pairs": [(i, f"{i}") for i in range(N)],
    "triples": [(f"{i}\u0107", i / 3, None) for i in range(N)],
    "other tuples": [(i, (i, f"{i}"), {"a": (1,)}) for i in range(N)],
    "none at all": [(None, None, i) for i in range(N)],
    "floats": [i / 7 for i in range(N)],
    "integers": [*range(-N, N), *range(1 << 15, 1 << 17, 50), 1 << 62],
    "texts": [f"item {i}" for i in range(N)],
    "long texts": [f"{i}" * 60 for i in range(N)],
    "a dictionary": {f"key {i}": i for i in range(N)},
    "shared": [{"same": text, "other": [text]} for i in range(N) for text in [f"{i // 3}"]],
    "empty": [[{}, [], (), ""] for _ in range(N)],
    "objects": [np.array([i, "x"], dtype=object) for i in range(N)],
    "arrays": [{"id": i, "array": np.arange(i % 5)} for i in range(N)],
}


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_large_value_is_loaded(name, protocol):
    data = pickle.dumps(VALUES[name], protocol)

    loaded = load(io.BytesIO(data), trusted=["numpy"])

    np.testing.assert_equal(loaded, VALUES[name])


def in_front(*values):
    """Return so many plain values that these are passed over, and others behind them."""
    return [VALUES["records"], *values]


def test_a_name_that_was_passed_over_is_still_read():
    names = [{"module": "os", "name": "getcwd"}]
    made = pickle.dumps([VALUES["records"], names * 2], 4)[:-1]
    number = made[: made.index(b"getcwd")].count(b"\x94")
    for offset in range(-3, 4):
        get = b"j" + struct.pack("<I", number + offset)
        data = made + b"0" + b"j" + struct.pack("<I", number + offset - 2) + get + b"\x93."

        with pytest.raises((UntrustedGlobalError, CorruptFileError)):
            load(io.BytesIO(data), trusted=[])


def test_what_is_not_trusted_behind_plain_values_is_refused():
    class Evil:
        def __reduce__(self):
            return exec, ("this never runs",)

    with pytest.raises(UntrustedGlobalError, match=r"builtins\.exec"):
        load(io.BytesIO(pickle.dumps(in_front(Evil()))), trusted=["numpy"])


def test_a_state_that_was_passed_over_is_still_checked():
    state = np.random.RandomState(1).__reduce__()[2]
    state["state"]["pos"] = 10**6

    class Forged:
        def __reduce__(self):
            return (*np.random.RandomState(1).__reduce__()[:2], state)

    with pytest.raises(CorruptFileError, match="its position is 1000000"):
        load(io.BytesIO(pickle.dumps(in_front(Forged()))), trusted=["numpy"])


def test_what_was_passed_over_can_be_the_state_of_an_object():
    value = in_front(*(Plain(i) for i in range(N)))

    loaded = load(io.BytesIO(pickle.dumps(value)), trusted=[Plain.__module__])

    assert [one.n for one in loaded[1:]] == list(range(N))


class Plain:
    def __init__(self, n):
        self.n = n
        self.items = [n]


def test_tuples_of_tuples_as_keys_are_still_weighed():
    doubled = b"h\x00" + b"".join(
        b"h" + bytes([n]) * 1 + b"h" + bytes([n]) + b"\x86\x94" for n in range(1, 60)
    )
    plain = b"]\x94(" + b"".join(b"K" + bytes([n % 100]) for n in range(20_000)) + b"e0"
    key = b"}\x94(h\x3bK\x01u."
    data = b"\x80\x04" + plain + b"K\x01K\x02\x86\x94" + doubled[2:] + key

    with pytest.raises(CorruptFileError, match="would take for ever"):
        load(io.BytesIO(data), trusted=[])


def test_numbers_in_two_ways_are_refused_behind_plain_values():
    made = pickle.dumps(VALUES["records"], 4)[:-1]

    with pytest.raises(CorruptFileError, match="numbers what it remembers in two ways"):
        load(io.BytesIO(made + b"q\x05."), trusted=[])


@pytest.mark.parametrize("position", range(100, 90_000, 997))
def test_a_damaged_byte_ends_well(position):
    damaged = bytearray(pickle.dumps(VALUES["records"], 4))
    for byte in BYTES:
        damaged[position : position + 1] = byte
        with suppress(CorruptFileError):
            load(io.BytesIO(damaged), trusted=[])
