"""Keys that are remembered are those that would be made anew."""

from __future__ import annotations

from typing import Any

import pytest
from fanfold import Memory

VALUES = [0, 1, True, False, None, 0.0, -0.0, 1.0, 2, 2.0, "1", "", "a", float("nan")]


def echo(x: object, y: object = 1, *rest: object, **named: object) -> tuple[object, ...]:
    return x, y, rest, sorted(named.items())


def keys_of(cached: Any, *args: object, **kwargs: object) -> str:
    key: str = cached.call_and_shelve(*args, **kwargs).key
    return key


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_that_are_equal_and_differ_have_keys_of_their_own(
    memory: Memory, value: object
) -> None:
    cached = memory.cache(echo)
    remembered = {repr(one): keys_of(cached, one) for one in VALUES}

    fresh = Memory(memory.location, verbose=0).cache(echo)

    assert keys_of(fresh, value) == remembered[repr(value)] == keys_of(cached, value)
    assert len(set(remembered.values())) == len(VALUES)


def test_calls_have_one_key_however_arguments_are_given(memory: Memory) -> None:
    cached = memory.cache(echo)

    keys = {
        keys_of(cached, 5),
        keys_of(cached, 5, 1),
        keys_of(cached, 5, y=1),
        keys_of(cached, y=1, x=5),
        keys_of(cached, x=5),
    }

    assert len(keys) == 1


def test_what_is_given_by_name_counts_by_its_name(memory: Memory) -> None:
    cached = memory.cache(echo)

    assert len({keys_of(cached, 1, a=2, b=3), keys_of(cached, 1, a=3, b=2)}) == 2
    assert keys_of(cached, 1, b=3, a=2) == keys_of(cached, 1, a=2, b=3)
    assert keys_of(cached, 1, 2, 3) != keys_of(cached, 1, 2, a=3)


def test_a_default_that_changes_is_noticed_though_the_function_is_pinned(memory: Memory) -> None:
    default = [1]

    def total(x: int, more: list[int] = default) -> int:
        return x + sum(more)

    cached = memory.cache(total, version=1)
    before = cached(1)
    default.append(2)

    assert (before, cached(1)) == (2, 4)


def test_an_instance_that_changes_is_noticed(memory: Memory) -> None:
    class Adder:
        amount = 1

        def add(self, x: int) -> int:
            return x + self.amount

    adder = Adder()
    cached = memory.cache(adder.add, version=1)
    before = cached(1)
    adder.amount = 5

    assert (before, cached(1)) == (2, 6)


def test_a_long_text_is_an_argument_like_any_other(memory: Memory) -> None:
    cached = memory.cache(echo)
    cached("x" * 1000)

    assert cached.check_call_in_cache("x" * 1000)
    assert not cached.check_call_in_cache("x" * 999)


def test_no_more_keys_are_remembered_than_there_is_use_for(memory: Memory) -> None:
    cached = memory.cache(echo)
    first = keys_of(cached, 0)
    for x in range(1, 1500):
        cached.check_call_in_cache(x)

    assert keys_of(cached, 0) == first
    assert cached.check_call_in_cache(0)


def test_a_call_that_cannot_be_made_is_refused_again_and_again(memory: Memory) -> None:
    cached: Any = memory.cache(lambda x: x)

    for _ in range(2):
        with pytest.raises(ValueError, match="cannot be called"):
            cached(1, 2)
