"""Calls of cached functions: what is found again, and what a function can be."""

from __future__ import annotations

import functools
import operator
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from fanfold import Memory, register_store_backend
from fanfold.errors import InvalidArgumentError, UnhashableValueError, UnknownPluginError
from fanfold.memory import MemorizedFunc, NotMemorizedFunc
from fanfold.plugins import stores
from fanfold.stores import LocalStore


def token(x: object, y: object = 2, *rest: object, flag: bool = False, **more: object) -> bytes:
    """Return something else each time it runs."""
    return os.urandom(8)


def test_a_call_is_computed_once(memory: Memory) -> None:
    cached = memory.cache(token)

    assert cached(1) == cached(1)


def test_a_call_with_other_arguments_is_another_call(memory: Memory) -> None:
    cached = memory.cache(token)

    assert len({cached(1), cached(2), cached(1.0), cached("1"), cached([1])}) == 5


@pytest.mark.parametrize(
    "again",
    [
        lambda cached: cached(1, 2),
        lambda cached: cached(x=1),
        lambda cached: cached(y=2, x=1),
        lambda cached: cached(1, flag=False),
    ],
)
def test_it_does_not_matter_how_arguments_are_given(
    memory: Memory, again: Callable[[Any], bytes]
) -> None:
    cached = memory.cache(token)

    assert again(cached) == cached(1)


def test_surplus_arguments_count(memory: Memory) -> None:
    cached = memory.cache(token)

    assert len({cached(1, 2), cached(1, 2, 3), cached(1, 2, extra=3), cached(1, 2, flag=True)}) == 4


def test_ignored_arguments_do_not_count(memory: Memory) -> None:
    cached = memory.cache(token, ignore=["y", "*", "**"])

    assert cached(1, 2) == cached(1, 3, 4, extra=5)
    assert cached(1) != cached(1, flag=True)


def test_a_result_is_found_by_another_memory_at_the_same_location(location: str) -> None:
    first, second = Memory(location, verbose=0), Memory(location, verbose=0)

    assert first.cache(token)(1) == second.cache(token)(1)


def test_an_exception_is_not_kept(memory: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    @memory.cache
    def fail() -> None:
        print("ran")
        raise OSError("no luck")

    for _ in range(2):
        with pytest.raises(OSError, match="no luck"):
            fail()

    assert capsys.readouterr().out.count("ran") == 2


def test_none_is_a_result_like_any_other(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    @memory.cache
    def nothing() -> None:
        print("ran")

    results = [nothing(), nothing()]

    assert results == [None, None]
    assert capsys.readouterr().out.count("ran") == 1


def test_it_decorates_with_and_without_arguments(memory: Memory) -> None:
    @memory.cache
    def plain(x: int) -> bytes:
        return os.urandom(8)

    @memory.cache(ignore=["x"])
    def ignoring(x: int) -> bytes:
        return os.urandom(8)

    assert plain(1) != plain(2)
    assert ignoring(1) == ignoring(2)


def test_a_cached_function_looks_like_the_function(memory: Memory) -> None:
    cached = memory.cache(token)

    assert cached.__name__ == "token"
    assert cached.__qualname__ == "token"
    assert cached.__module__ == __name__
    assert cached.__doc__ == token.__doc__
    assert cached.func is token


def test_caching_a_cached_function_takes_the_function_with_new_settings(
    location: str, memory: Memory
) -> None:
    first = memory.cache(token, ignore=["y"])

    second = Memory(location, verbose=3).cache(first)

    assert second.func is token
    assert isinstance(second, MemorizedFunc)
    assert second.ignore == []
    assert second.verbose == 3


def test_a_cached_function_stays_cached_where_nothing_else_is_kept(memory: Memory) -> None:
    cached = Memory(None).cache(memory.cache(token))

    assert cached(1) == cached(1)


def test_a_memory_without_location_keeps_nothing() -> None:
    cached = Memory(None).cache(token)

    assert isinstance(cached, NotMemorizedFunc)
    assert cached(1) != cached(1)
    assert not cached.check_call_in_cache(1)
    cached.clear()
    shelved = cached.call_and_shelve(1)
    assert shelved.get() == shelved.get()
    result, metadata = cached.call(1)
    assert len(result) == 8
    assert metadata == {}


def test_a_memory_without_location_takes_every_call() -> None:
    memory = Memory(None)

    memory.clear()
    memory.reduce_size(items_limit=0)

    assert memory.eval(operator.add, 1, 2) == 3
    assert memory.store_backend is None
    assert repr(memory) == "Memory(location=None)"


def test_what_is_cached_where_nothing_is_kept_can_be_cached_elsewhere(memory: Memory) -> None:
    uncached = Memory(None).cache(token)

    cached = memory.cache(uncached)

    assert cached(1) == cached(1)


def test_lambdas_are_cached(memory: Memory) -> None:
    cached = memory.cache(lambda x: (x, os.urandom(8)))

    assert cached(1) == cached(1)
    assert cached(1) != cached(2)


def test_partials_are_told_apart_by_what_they_bind(memory: Memory) -> None:
    one = memory.cache(functools.partial(token, 1))
    two = memory.cache(functools.partial(token, 2))

    assert one() == memory.cache(functools.partial(token, 1))()
    assert one() != two()


class Scaled:
    def __init__(self, factor: int) -> None:
        self.factor = factor

    def apply(self, x: int) -> tuple[int, bytes]:
        return self.factor * x, os.urandom(8)

    def __call__(self, x: int) -> tuple[int, bytes]:
        return self.apply(x)


def test_bound_methods_are_told_apart_by_the_value_of_their_object(memory: Memory) -> None:
    two, three = memory.cache(Scaled(2).apply), memory.cache(Scaled(3).apply)

    assert two(5)[0] == 10
    assert two(5) == memory.cache(Scaled(2).apply)(5)
    assert three(5)[0] == 15


def test_a_method_that_an_object_caches_for_itself_is_found_by_its_equals(memory: Memory) -> None:
    class SelfCaching(Scaled):
        def __init__(self, factor: int) -> None:
            super().__init__(factor)
            self.apply = memory.cache(self.apply)  # type: ignore[method-assign]

    assert SelfCaching(2).apply(5) == SelfCaching(2).apply(5)
    assert SelfCaching(3).apply(5)[0] == 15


def test_callable_objects_are_told_apart_by_their_value(memory: Memory) -> None:
    assert memory.cache(Scaled(2))(5) == memory.cache(Scaled(2))(5)
    assert memory.cache(Scaled(3))(5)[0] == 15


def test_builtin_functions_are_cached(memory: Memory) -> None:
    cached = memory.cache(len)

    cached([1, 2, 3])

    assert cached.check_call_in_cache([1, 2, 3])
    assert cached([1, 2, 3]) == 3


def test_methods_are_cached_in_the_class_with_their_object_as_argument(memory: Memory) -> None:
    class Model:
        def __init__(self, depth: int) -> None:
            self.depth = depth

        @memory.cache
        def fit(self, x: int) -> tuple[int, bytes]:
            return self.depth * x, os.urandom(8)

    assert Model(2).fit(5) == Model(2).fit(5)
    assert Model(3).fit(5)[0] == 15
    assert Model(2).fit.check_call_in_cache(5)
    assert Model(2).fit.call_and_shelve(5).get() == Model(2).fit(5)
    before = Model(2).fit(5)
    assert Model(2).fit.call(5)[0] != before
    assert Model(2).fit.func(5)[0] == 10
    assert "fit" in repr(Model(2).fit)
    Model(2).fit.clear()
    assert not Model(2).fit.check_call_in_cache(5)


def test_a_method_of_a_class_can_be_cached_elsewhere(memory: Memory, tmp_path: Path) -> None:
    class Model:
        @memory.cache
        def fit(self, x: int) -> bytes:
            return os.urandom(8)

    elsewhere = Memory(tmp_path / "elsewhere", verbose=0).cache(Model().fit)

    assert elsewhere(5) == elsewhere(5)
    assert elsewhere(5) != Model().fit(5)


def test_recursive_functions_use_their_own_results(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    @memory.cache
    def fibonacci(n: int) -> int:
        print("ran")
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

    assert fibonacci(20) == 6765
    assert capsys.readouterr().out.count("ran") == 21


def test_eval_uses_the_cache(memory: Memory) -> None:
    assert memory.eval(token, 1, flag=True) == memory.eval(token, 1, flag=True)


def test_call_runs_the_function_and_replaces_the_result(memory: Memory) -> None:
    cached = memory.cache(token)
    before = cached(1)

    result, metadata = cached.call(1)

    assert result != before
    assert cached(1) == result
    assert metadata["duration"] >= 0
    assert metadata["input_args"] == {
        "x": "1",
        "y": "2",
        "flag": "False",
        "*": "()",
        "**": "{}",
    }


def test_check_call_in_cache_runs_nothing(memory: Memory) -> None:
    cached = memory.cache(token)

    before = cached.check_call_in_cache(1)
    cached(1)

    assert (before, cached.check_call_in_cache(1)) == (False, True)


def test_clear_of_a_function_removes_its_results_only(memory: Memory) -> None:
    def other(x: int) -> bytes:
        return os.urandom(8)

    cached, kept = memory.cache(token), memory.cache(other)
    before = cached(1), kept(1)

    cached.clear()

    assert cached(1) != before[0]
    assert kept(1) == before[1]


def test_clear_of_a_memory_removes_all_results(
    memory: Memory, entries: Callable[[], list[str]]
) -> None:
    memory.cache(token)(1)
    memory.cache(len)([])

    memory.clear()

    assert entries() == []


def test_clear_of_a_memory_spares_what_is_not_of_a_memory(tmp_path: Path) -> None:
    memory = Memory(tmp_path, verbose=0)
    memory.cache(token)(1)
    (tmp_path / "thesis.txt").write_text("priceless")

    memory.clear()

    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["thesis.txt"]


@pytest.mark.parametrize("compress", [True, 3, "gzip", ("lzma", 1)])
def test_compressed_results_come_back(location: str, compress: Any) -> None:
    cached = Memory(location, compress=compress, verbose=0).cache(token)

    assert cached([0] * 1000) == cached([0] * 1000)


def test_a_name_that_is_no_part_of_a_key_still_has_results(memory: Memory) -> None:
    def strange(x: int) -> bytes:
        return os.urandom(8)

    strange.__qualname__ = "größe <" + "x" * 300 + "> / ..\\"

    assert memory.cache(strange)(1) == memory.cache(strange)(1)


def test_the_scheme_of_a_location_chooses_the_store(tmp_path: Path) -> None:
    memory = Memory(f"dict://{tmp_path}")

    assert memory.store_backend is not None
    assert memory.store_backend.name == "dict"


def test_a_store_that_is_registered_is_chosen_by_its_name(tmp_path: Path) -> None:
    register_store_backend("mine", LocalStore)
    try:
        memory = Memory(tmp_path, backend="mine", verbose=0)
    finally:
        stores.unregister("mine")

    cached: Any = memory.cache(token)
    assert isinstance(cached.store_backend, LocalStore)
    assert cached(1) == cached(1)


def test_backend_and_its_options_are_passed_on(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="colour"):
        Memory("anywhere", backend="dict", backend_options={"colour": "blue"})


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda memory: memory.cache(3), "cannot cache 3: expected a function"),
        (lambda memory: memory.cache(token, ignore=["z"]), "no parameter 'z'"),
        (lambda memory: memory.cache(token, ignore="x"), "must be a list"),
        (lambda memory: memory.cache(token, mmap_mode="rw"), "mmap_mode='rw' is not among"),
        (
            lambda memory: memory.cache(token, cache_validation_callback=3),
            "cache_validation_callback=3: expected a function",
        ),
        (lambda memory: memory.cache(token)(), "'x' is missing"),
        (lambda memory: Memory(cast("Any", 3)), "location of a store"),
        (lambda memory: Memory(memory.location, mmap_mode="rw"), "mmap_mode='rw' is not among"),
        (lambda memory: Memory(memory.location, compress="squeeze"), "squeeze"),
    ],
)
def test_arguments_that_will_not_do_are_refused_at_once(
    memory: Memory, use: Callable[[Memory], object], message: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        use(memory)


def test_an_unknown_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownPluginError, match="nowhere"):
        Memory(tmp_path, backend="nowhere")


def test_an_argument_without_a_value_is_refused_by_name(memory: Memory) -> None:
    with (
        open(os.devnull) as file,
        pytest.raises(UnhashableValueError, match=r"\['x'\] is a '_io.TextIOWrapper'"),
    ):
        memory.cache(token)(file)


def test_representations_name_the_location(memory: Memory) -> None:
    assert str(memory.store_backend.location) in repr(memory)  # type: ignore[union-attr]
    assert str(memory.store_backend.location) in repr(memory.cache(token))  # type: ignore[union-attr]
    assert "token" in repr(Memory(None).cache(token))
