"""Looking into a cache: `entries`, `stats`, `put`, `invalidate`."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fanfold import Memory
from fanfold.errors import InvalidArgumentError
from fanfold.memory import MemorizedFunc

np = pytest.importorskip("numpy")


def token(x: object, n: int = 8) -> bytes:
    return os.urandom(n)


class Model:
    def __init__(self, weight: int) -> None:
        self.weight = weight


async def awaited(x: int) -> bytes:
    return os.urandom(8)


def test_each_result_tells_where_it_comes_from(memory: Memory) -> None:
    began = time.time()
    memory.cache(token)("text", n=3)

    [entry] = memory.entries()

    assert entry.function == f"{__name__}.token"
    assert dict(entry.arguments) == {"x": "'text'", "n": "3"}
    assert entry.call == f"{__name__}.token(x='text', n=3)"
    assert entry.created is not None
    assert began <= entry.created <= time.time()
    assert entry.used >= began - 2  # file systems round
    assert entry.seconds is not None
    assert entry.size > 3
    assert pickle.loads(pickle.dumps(entry)) == entry


def test_the_key_of_an_entry_is_that_of_its_reference(memory: Memory) -> None:
    reference = memory.cache(token).call_and_shelve(1)

    assert [entry.key for entry in memory.entries()] == [getattr(reference, "key", None)]


def test_results_of_all_functions_are_there_and_nothing_else(memory: Memory) -> None:
    store = memory.store_backend
    assert store is not None
    store.put("other/entry", [b"x"])
    store.put("fanfold/entry", [b"x"])
    memory.cache(token)(1)
    memory.cache(len)("text")

    assert {entry.function for entry in memory.entries()} == {f"{__name__}.token", "builtins.len"}


def test_a_damaged_entry_tells_what_its_key_tells(memory: Memory) -> None:
    memory.cache(token)(1)
    store = memory.store_backend
    assert store is not None
    [stored] = store.list()
    store.put(stored.key, [b"nonsense"])

    [entry] = memory.entries()

    assert (entry.function, entry.size, entry.created) == ("token", 8, None)


def test_calls_are_counted(memory: Memory) -> None:
    cached = memory.cache(token)
    for x in (1, 1, 2, 1):
        cached(x)
    cached.call_and_shelve(2)

    stats = memory.stats()

    assert (stats.hits, stats.misses, stats.entries) == (3, 2, 2)
    assert stats.bytes == sum(entry.size for entry in memory.entries())


@pytest.mark.parametrize(
    "use", [lambda cached: cached(1), lambda cached: cached.call_and_shelve(1)]
)
@pytest.mark.parametrize("mmap_mode", [None, "r"])
@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_hit_saves_what_the_computation_took(
    local: Memory, size: int, mmap_mode: Any, use: Callable[[Any], object]
) -> None:
    def zeros(x: int) -> Any:
        time.sleep(0.02)
        return np.zeros(size)

    cached = local.cache(zeros, mmap_mode=mmap_mode)
    cached(1)
    assert local.stats().seconds_saved == 0.0

    use(cached)

    [entry] = local.entries()
    assert entry.seconds is not None
    assert local.stats().seconds_saved == pytest.approx(entry.seconds)
    assert entry.seconds >= 0.02


def test_the_calls_of_a_coroutine_function_are_counted(memory: Memory) -> None:
    import asyncio

    cached: Any = memory.cache(awaited)
    for _ in range(3):
        asyncio.run(cached(1))

    assert (memory.stats().hits, memory.stats().misses) == (2, 1)


def test_what_is_put_is_found_by_a_call(memory: Memory) -> None:
    cached: Any = memory.cache(token)

    cached.put((1,), b"by hand", {"n": 2})

    assert cached(1, 2) == cached(x=1, n=2) == b"by hand"
    assert memory.stats().seconds_saved == 0.0


def test_what_is_put_replaces_what_is_there(memory: Memory) -> None:
    cached: Any = memory.cache(token)
    cached(1)

    cached.put([1], b"by hand")

    assert cached(1) == b"by hand"


@pytest.mark.parametrize("args", [1, "text", None, {"x": 1}])
def test_arguments_are_put_as_a_tuple(memory: Memory, args: Any) -> None:
    cached: Any = memory.cache(token)

    with pytest.raises(InvalidArgumentError, match=r"expected them in a tuple, such as \(3,\)"):
        cached.put(args, b"value")


def test_what_cannot_be_called_so_cannot_be_put(memory: Memory) -> None:
    cached: Any = memory.cache(token)

    with pytest.raises(InvalidArgumentError, match="token"):
        cached.put((), b"value")


def test_one_result_is_dropped(memory: Memory) -> None:
    cached = memory.cache(token)
    assert isinstance(cached, MemorizedFunc)
    before = cached(1), cached(2)

    assert cached.invalidate(1)
    assert not cached.invalidate(1)

    assert cached(2) == before[1]
    assert cached(1) != before[0]


def test_results_of_a_method_are_put_and_dropped(memory: Memory) -> None:
    class Weighted(Model):
        @memory.cache
        def times(self, x: int) -> int:
            return self.weight * x

    one: Any = Weighted(2)
    one.times.put((3,), 60)

    assert one.times(3) == 60
    assert one.times.invalidate(3)
    assert one.times(3) == 6


def test_where_nothing_is_kept_there_is_nothing_to_see() -> None:
    memory = Memory(None)
    cached: Any = memory.cache(token)

    cached.put((1,), b"value")
    cached(1)

    assert not list(memory.entries())
    assert not cached.invalidate(1)
    assert (memory.stats().hits, memory.stats().entries, memory.stats().bytes) == (0, 0, 0)


def test_notebooks_show_what_is_cached(local: Memory, memory: Memory) -> None:
    cached = local.cache(token, ignore=["n"], version="<2>")
    reference = cached.call_and_shelve("<b>", n=1)

    assert f"<td>{__name__}.token</td>" in cached._repr_html_()
    assert "<td>version</td><td>&lt;2&gt;</td>" in cached._repr_html_()
    assert "<td>ignored</td><td>n</td>" in cached._repr_html_()
    assert "<td>results</td><td>1</td>" in cached._repr_html_()
    assert "&lt;b&gt;" in reference._repr_html_()
    assert "<b>" not in reference._repr_html_()
    assert "token" in memory.cache(token)._repr_html_()
    assert "none are kept" in Memory(None).cache(token)._repr_html_()


def test_notebooks_show_cached_methods(local: Memory) -> None:
    class Model:
        @local.cache
        def fit(self) -> int:
            return 1

    assert "Model.fit" in Model().fit._repr_html_()


def test_a_cached_function_tells_where_its_results_are(memory: Memory) -> None:
    cached = memory.cache(token)
    reference: Any = cached.call_and_shelve(1)

    assert cached.func_id == reference.func_id
    assert reference.store_backend is memory.store_backend
    assert cached.compress is False


def test_notebooks_show_tables(local: Memory, tmp_path: Path) -> None:
    local.cache(token)("<b>")

    [entry] = local.entries()

    assert str(tmp_path) in local._repr_html_()
    assert "<td>results</td><td>1</td>" in local._repr_html_()
    assert "<td>misses</td><td>1</td>" in local.stats()._repr_html_()
    assert "&lt;b&gt;" in entry._repr_html_()
    assert "<b>" not in entry._repr_html_()
