"""References to results: `call_and_shelve` and what it returns."""

from __future__ import annotations

import os
import pickle
from typing import Any

import pytest
from fanfold import MemorizedResult, Memory
from fanfold.errors import CacheMissError
from fanfold.memory import NotMemorizedResult


def token(x: object) -> bytes:
    return os.urandom(8)


def test_a_shelved_call_is_computed_once(memory: Memory) -> None:
    cached = memory.cache(token)

    first, second = cached.call_and_shelve(1), cached.call_and_shelve(1)

    assert first.get() == second.get() == cached(1)


def test_a_reference_tells_what_it_refers_to(memory: Memory) -> None:
    reference = memory.cache(token).call_and_shelve(1)

    assert isinstance(reference, MemorizedResult)
    assert reference.func == f"{__name__}.token"
    assert reference.key == f"{reference.func_id}/{reference.args_id}"
    assert reference.metadata["input_args"] == {"x": "1"}
    assert reference.duration == reference.metadata["duration"]
    assert reference.location in repr(reference)
    assert reference.args_id in repr(reference)


def test_a_reference_that_is_found_knows_the_metadata_too(memory: Memory) -> None:
    cached: Any = memory.cache(token)

    first, second = cached.call_and_shelve(1), cached.call_and_shelve(1)

    assert first.metadata == second.metadata


def test_references_to_one_result_are_equal(memory: Memory) -> None:
    cached: Any = memory.cache(token)
    reference = cached.call_and_shelve(1)

    assert reference == cached.call_and_shelve(1)
    assert hash(reference) == hash(cached.call_and_shelve(1))
    assert reference != cached.call_and_shelve(2)
    assert reference != reference.key


def test_a_reference_can_be_pickled_and_stays_small(memory: Memory) -> None:
    reference = memory.cache(lambda n: b"x" * n).call_and_shelve(1_000_000)

    pickled = pickle.dumps(reference)

    assert len(pickled) < 2000
    assert pickle.loads(pickled) == reference
    assert len(pickle.loads(pickled).get()) == 1_000_000


def test_a_result_that_was_cleared_is_missed_by_its_key(memory: Memory) -> None:
    cached = memory.cache(token)
    reference = cached.call_and_shelve(1)

    reference.clear()
    reference.clear()

    assert not cached.check_call_in_cache(1)
    with pytest.raises(CacheMissError, match=r"not in the cache any more; call .*token again"):
        reference.get()
    with pytest.raises(KeyError):
        reference.get()


def test_a_result_that_is_damaged_is_missed_with_the_reason(memory: Memory) -> None:
    reference: Any = memory.cache(token).call_and_shelve(1)
    assert memory.store_backend is not None
    memory.store_backend.put(reference.key, [b"nonsense" * 10])

    with pytest.raises(CacheMissError, match="cannot be read") as caught:
        reference.get()

    assert caught.value.__cause__ is not None


def test_a_result_that_is_not_kept_can_be_got_until_it_is_cleared() -> None:
    shelved = Memory(None).cache(lambda x: x + 1).call_and_shelve(1)

    assert isinstance(shelved, NotMemorizedResult)
    assert shelved.get() == 2
    assert "2" in repr(shelved)
    shelved.clear()
    assert not shelved.valid
    assert "no value" in repr(shelved)
    with pytest.raises(CacheMissError, match="was cleared"):
        shelved.get()
