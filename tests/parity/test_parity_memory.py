"""Programs that use Memory: what holds with joblib holds with fanfold."""

from __future__ import annotations

import asyncio
import functools
import pickle

import numpy as np
import pytest


@pytest.fixture
def memory(library, tmp_path):
    return library.Memory(tmp_path, verbose=0)


@pytest.fixture
def computed(capsys):
    """Return what was computed since the last question: the functions here print it.

    A list that they append to would be a global that they read: with fanfold, part of the key.
    """
    return lambda: capsys.readouterr().out.split()


def add(a, b=1, *rest, debug=False):
    print(f"{a}+{b}")
    return a + b + sum(rest)


def double(array):
    print("doubling")
    return array * 2


class Adder:
    def __init__(self, amount):
        self.amount = amount

    def add(self, x):
        print(x)
        return x + self.amount


class CachingAdder(Adder):
    def __init__(self, amount, memory):
        super().__init__(amount)
        self.add = memory.cache(self.add)


async def slowly(a):
    print("waiting")
    return a


def test_a_second_call_is_not_made(memory, computed):
    cached = memory.cache(add)

    assert [cached(1, 2), cached(1, 2), cached(1, 3)] == [3, 3, 4]
    assert computed() == ["1+2", "1+3"]


def test_arguments_are_the_same_however_they_are_given(memory, computed):
    cached = memory.cache(add)

    results = [cached(1), cached(1, 1), cached(1, b=1), cached(b=1, a=1), cached(a=1)]

    assert results == [2] * 5
    assert len(computed()) == 1


def test_ignored_arguments_do_not_count(memory, computed):
    cached = memory.cache(add, ignore=["debug"])

    assert cached(1, 2, debug=True) == cached(1, 2, debug=False) == 3
    assert len(computed()) == 1


def test_ignoring_an_argument_that_is_not_there_raises(memory):
    with pytest.raises(ValueError, match="nonsense"):
        memory.cache(add, ignore=["nonsense"])(1)


def test_it_decorates_with_and_without_arguments(memory):
    @memory.cache
    def plain(x):
        return x

    @memory.cache(ignore=["x"])
    def ignoring(x):
        return x

    assert plain(1) == plain(1) == 1
    assert ignoring(1) == ignoring(2) == 1


def test_a_call_that_fails_is_made_again(memory, computed):
    cached = memory.cache(add)
    for _ in range(2):
        with pytest.raises(TypeError):
            cached("a", 1)

    assert len(computed()) == 2


def test_equal_arrays_are_one_argument(memory, computed):
    cached = memory.cache(double)

    first, second = cached(np.arange(5.0)), cached(np.arange(5.0))

    np.testing.assert_array_equal(first, second)
    assert computed() == ["doubling"]
    assert cached(np.arange(5)).dtype == np.arange(5).dtype


def test_results_can_be_mapped(library, tmp_path):
    cached = library.Memory(tmp_path, mmap_mode="r", verbose=0).cache(double)
    cached(np.arange(5.0))

    mapped = cached(np.arange(5.0))

    assert isinstance(mapped, np.memmap)
    assert not mapped.flags.writeable


@pytest.mark.parametrize("compress", [True, 3])
def test_results_can_be_compressed(library, tmp_path, compress, computed):
    cached = library.Memory(tmp_path, compress=compress, verbose=0).cache(double)

    np.testing.assert_array_equal(cached(np.zeros(1000)), cached(np.zeros(1000)))
    assert computed() == ["doubling"]


def test_shelved_results_are_read_when_asked_for(memory, computed):
    cached = memory.cache(add)

    shelved = cached.call_and_shelve(1, 2)

    assert pickle.loads(pickle.dumps(shelved)).get() == 3
    assert cached(1, 2) == 3
    assert len(computed()) == 1


def test_shelved_results_that_were_cleared_raise_a_key_error(memory):
    shelved = memory.cache(add).call_and_shelve(1, 2)
    shelved.clear()

    with pytest.raises(KeyError):
        shelved.get()


def test_whether_a_call_is_cached_can_be_asked(memory, computed):
    cached = memory.cache(add)
    before = cached.check_call_in_cache(1, 2)
    cached(1, 2)

    assert (before, cached.check_call_in_cache(1, 2)) == (False, True)
    assert computed() == ["1+2"]


def test_call_always_computes_and_keeps(memory, computed):
    cached = memory.cache(add)
    cached.call(1, 2)
    cached.call(1, 2)

    assert len(computed()) == 2
    assert cached.check_call_in_cache(1, 2)


def test_clearing_a_function_forgets_its_results_alone(memory):
    one, other = memory.cache(add), memory.cache(double)
    one(1), other(np.zeros(2))

    one.clear(warn=False)

    assert not one.check_call_in_cache(1)
    assert other.check_call_in_cache(np.zeros(2))


def test_clearing_a_memory_forgets_everything(memory):
    cached = memory.cache(add)
    cached(1)

    memory.clear(warn=False)

    assert not cached.check_call_in_cache(1)


def test_eval_caches_a_single_call(memory, computed):
    assert [memory.eval(add, 1, b=2), memory.eval(add, 1, b=2)] == [3, 3]
    assert len(computed()) == 1


def test_reducing_the_size_to_one_entry_leaves_one(memory):
    cached = memory.cache(add)
    for number in range(5):
        cached(number)

    memory.reduce_size(items_limit=1)

    assert sum(cached.check_call_in_cache(number) for number in range(5)) == 1


@pytest.mark.parametrize("limit", ["1K", 0])
def test_sizes_may_be_texts(memory, limit):
    cached = memory.cache(double)
    cached(np.zeros(10_000))

    memory.reduce_size(bytes_limit=limit)

    assert not cached.check_call_in_cache(np.zeros(10_000))


def test_a_result_that_its_callback_refuses_is_computed_again(memory, computed):
    cached = memory.cache(add, cache_validation_callback=lambda metadata: False)
    cached(1)
    cached(1)

    assert len(computed()) == 2


def test_the_callback_is_told_when_and_how_long(memory):
    told = []
    cached = memory.cache(
        add, cache_validation_callback=lambda metadata: told.append(metadata) or True
    )
    cached(1, 2)
    cached(1, 2)

    (metadata,) = told
    assert metadata["duration"] >= 0
    assert metadata["time"] > 1e9
    assert set(metadata["input_args"]) >= {"a", "b"}


def test_results_expire(library, memory, computed):
    lasting = memory.cache(add, cache_validation_callback=library.expires_after(days=1))
    lasting(1)
    lasting(1)
    assert len(computed()) == 1

    expired = memory.cache(add, cache_validation_callback=library.expires_after(seconds=0))
    expired(1)
    assert len(computed()) == 1


def test_without_a_location_nothing_is_kept(library, computed):
    cached = library.Memory(None).cache(add)

    assert [cached(1), cached(1)] == [2, 2]
    assert len(computed()) == 2
    assert cached.call_and_shelve(1).get() == 2
    assert not cached.check_call_in_cache(1)


def test_coroutine_functions_are_awaited(memory, computed):
    cached = memory.cache(slowly)

    async def twice():
        return [await cached(1), await cached(1)]

    assert asyncio.run(twice()) == [1, 1]
    assert computed() == ["waiting"]


def test_a_memory_can_be_pickled_with_its_functions(memory, computed):
    cached = memory.cache(add)
    cached(1, 2)

    copy = pickle.loads(pickle.dumps(cached))

    assert copy(1, 2) == 3
    assert len(computed()) == 1


def test_cached_functions_are_tasks(library, memory):
    cached = memory.cache(add)

    results = library.Parallel(n_jobs=2)(library.delayed(cached)(number) for number in range(4))

    assert results == [1, 2, 3, 4]
    assert all(cached.check_call_in_cache(number) for number in range(4))


def test_it_tells_what_it_computes(library, tmp_path, capsys):
    library.Memory(tmp_path, verbose=1).cache(add)(1, 2)

    told = capsys.readouterr()
    assert "add" in told.out + told.err


def test_clearing_warns_unless_told_not_to(memory, capsys):
    memory.clear(warn=False)

    told = capsys.readouterr()
    assert told.out + told.err == ""


def test_partials_lambdas_and_bound_methods_are_cached(memory, computed):
    partial = memory.cache(functools.partial(add, 5))
    method = memory.cache(Adder(1).add)

    assert [partial(2), partial(2), method(2), method(2)] == [7, 7, 3, 3]
    assert memory.cache(lambda x: x)(3) == 3
    assert computed() == ["5+2", "2"]


def test_a_method_is_cached_from_its_constructor(memory, computed):
    assert [CachingAdder(1, memory).add(2) for _ in range(2)] == [3, 3]
    assert computed() == ["2"]


def test_a_cached_function_has_the_name_and_the_function(memory):
    cached = memory.cache(add)

    assert (cached.__name__, cached.func, cached.__wrapped__) == ("add", add, add)
    assert memory.cache(cached).func is add
    assert isinstance(cached.func_id, str)
    assert (cached.ignore, cached.mmap_mode) == ([], None)


def test_what_a_shelved_result_tells(memory):
    shelved = memory.cache(add).call_and_shelve(1, 2)

    assert shelved.metadata["input_args"].items() >= {("a", "1"), ("b", "2"), ("debug", "False")}
    assert shelved.duration == shelved.metadata["duration"] >= 0
    assert "add" in repr(shelved)
    assert len(shelved.args_id) == 32


def test_what_is_not_kept_can_be_shelved_and_cleared(library):
    cached = library.Memory(None).cache(add)
    shelved = cached.call_and_shelve(1)
    result, metadata = cached.call(1)
    shelved.clear()

    assert (result, metadata) == (2, {})
    with pytest.raises(KeyError):
        shelved.get()


def test_a_result_that_cannot_be_pickled_is_returned(memory, computed):
    cached = memory.cache(generator)

    with pytest.warns(Warning, match="pickle"):
        results = [list(cached(2)), list(cached(2))]

    assert results == [[0, 1], [0, 1]]
    assert computed() == ["making"] * 2


def generator(n):
    print("making")
    return (x for x in range(n))


@pytest.mark.parametrize(
    ("use", "error"),
    [
        (lambda library, memory: memory.cache(add, cache_validation_callback=3)(1), ValueError),
        (lambda library, memory: memory.cache(lambda x: x)(1, 2), ValueError),
        (lambda library, memory: memory.cache(lambda x: x)(y=1), ValueError),
        (lambda library, memory: memory.reduce_size(bytes_limit="much"), ValueError),
        (lambda library, memory: library.Memory("somewhere", backend="nowhere"), TypeError),
        (lambda library, memory: library.Memory("somewhere", bogus=1), TypeError),
    ],
)
def test_what_will_not_do_is_refused_with_the_same_kind_of_error(library, memory, use, error):
    with pytest.raises(error):
        use(library, memory)


def test_a_location_may_be_a_path_or_text(library, tmp_path):
    for location in (tmp_path, str(tmp_path)):
        cached = library.Memory(location, verbose=0).cache(add)
        cached(1)

        assert cached.check_call_in_cache(1)


def test_coroutine_functions_are_shelved_and_called(memory, computed):
    cached = memory.cache(slowly)

    async def all_of_it():
        shelved = await cached.call_and_shelve(1)
        result, metadata = await cached.call(1)
        return shelved.get(), result, set(metadata) >= {"duration", "time", "input_args"}

    assert asyncio.run(all_of_it()) == (1, 1, True)
    assert len(computed()) == 2
