"""Results that do not stay good: `cache_validation_callback` and `expires_after`."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Mapping
from typing import Any

import pytest
from fanfold import Memory, expires_after


def token(x: object) -> bytes:
    return os.urandom(8)


def test_the_callback_sees_the_metadata(memory: Memory) -> None:
    seen: list[Mapping[str, Any]] = []

    def validate(metadata: Mapping[str, Any]) -> bool:
        seen.append(metadata)
        return True

    cached = memory.cache(token, cache_validation_callback=validate)
    before = time.time()

    assert cached("x") == cached("x")
    (metadata,) = seen
    assert metadata.keys() >= {"duration", "time", "input_args"}
    assert metadata["input_args"] == {"x": "'x'"}
    assert before <= metadata["time"] <= time.time()


def test_a_result_that_is_refused_is_computed_again(memory: Memory) -> None:
    cached = memory.cache(token, cache_validation_callback=lambda metadata: False)

    assert cached(1) != cached(1)
    assert not cached.check_call_in_cache(1)
    assert cached.call_and_shelve(1).get() != cached.call_and_shelve(1).get()


def test_a_result_that_is_refused_does_not_come_back_if_computing_fails(memory: Memory) -> None:
    answers = iter([False, True])
    failing = {"now": False}

    @memory.cache(ignore=["state"], cache_validation_callback=lambda metadata: next(answers))
    def f(x: int, state: dict[str, bool]) -> bytes:
        if state["now"]:
            raise OSError("no luck")
        return os.urandom(8)

    before = f(1, failing)
    failing["now"] = True
    with pytest.raises(OSError, match="no luck"):
        f(1, failing)
    failing["now"] = False

    assert f(1, failing) != before


def test_looking_whether_a_result_is_there_does_not_remove_it(memory: Memory) -> None:
    refusing = memory.cache(token, cache_validation_callback=lambda metadata: False)
    accepting = memory.cache(token)
    before = accepting(1)

    assert not refusing.check_call_in_cache(1)

    assert accepting(1) == before


@pytest.mark.parametrize(("hours", "is_found"), [(1, True), (-1, False)])
def test_results_expire(memory: Memory, hours: float, is_found: bool) -> None:
    cached = memory.cache(token, cache_validation_callback=expires_after(hours=hours))

    assert (cached(1) == cached(1)) is is_found


def test_the_age_is_the_sum_of_its_parts() -> None:
    lifetime = expires_after(
        weeks=1, days=1, hours=1, minutes=1, seconds=1, milliseconds=1, microseconds=1
    )
    age = 8 * 86400 + 3600 + 60 + 1 + 0.001 + 0.000001

    assert lifetime({"time": time.time() - age + 5})
    assert not lifetime({"time": time.time() - age - 5})
    assert repr(lifetime) == "expires_after(seconds=694861)"


def test_the_age_travels_to_other_processes() -> None:
    assert pickle.loads(pickle.dumps(expires_after(hours=1)))({"time": time.time()})
