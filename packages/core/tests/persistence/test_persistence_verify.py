"""Whether a container is whole, without unpickling it."""

from __future__ import annotations

import random

import pytest
from fanfold.errors import CorruptFileError
from fanfold.persistence import encode, verify

np = pytest.importorskip("numpy")


@pytest.fixture(params=[0, "zlib"])
def container(request):
    value = [np.arange(1000.0), "text", {"a": np.ones(7)}]
    return b"".join(encode(value, compress=request.param, metadata={"a": 1}))


def test_a_whole_container_is_whole(container):
    verify(container)


def test_a_container_that_was_cut_is_not(container):
    for end in range(0, len(container), max(1, len(container) // 50)):
        with pytest.raises(CorruptFileError):
            verify(container[:end])


def test_what_follows_the_end_is_noticed(container):
    with pytest.raises(CorruptFileError, match="3 bytes follow"):
        verify(container + b"abc")


def test_a_changed_byte_is_noticed(container):
    # Not in the padding, which nothing depends on.
    parts = [0, 20, 60, len(container) - 1, len(container) // 2]
    for position in parts + random.Random(0).sample(range(70), 20):
        damaged = bytearray(container)
        damaged[position] ^= 0x55
        with pytest.raises(CorruptFileError):
            verify(bytes(damaged), place="it")
