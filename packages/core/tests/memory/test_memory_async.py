"""Coroutine functions that are cached."""

from __future__ import annotations

import asyncio
import functools
import os
import pickle
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fanfold import Memory
from fanfold.errors import StoreError
from fanfold.memory import AsyncMemorizedFunc, AsyncNotMemorizedFunc, MemorizedFunc


async def token(x: object, k: int = 1) -> bytes:
    await asyncio.sleep(0)
    return os.urandom(8)


def test_a_coroutine_function_is_awaited_once(memory: Memory) -> None:
    cached = memory.cache(token)

    async def main() -> tuple[bytes, bytes, bytes]:
        return await cached(1), await cached(1), await cached(2)

    first, second, other = asyncio.run(main())
    assert isinstance(cached, AsyncMemorizedFunc)
    assert first == second != other


def test_the_other_ways_to_call_it_are_awaited_too(memory: Memory) -> None:
    cached = memory.cache(token)

    async def main() -> None:
        result = await cached(1)
        assert cached.check_call_in_cache(1)
        assert (await cached.call_and_shelve(1)).get() == result
        latest, metadata = await cached.call(1)
        assert latest != result
        assert metadata["input_args"] == {"x": "1", "k": "1"}
        assert (await cached.call_and_shelve(2)).get() == await cached(2)

    asyncio.run(main())


def test_the_decorator_takes_coroutine_functions(memory: Memory) -> None:
    @memory.cache(ignore=["x"])
    async def f(x: int) -> bytes:
        return os.urandom(8)

    async def main() -> bool:
        return await f(1) == await f(2)

    assert asyncio.run(main())


def test_where_nothing_is_kept_it_is_awaited_each_time() -> None:
    cached = Memory(None).cache(token)

    async def main() -> None:
        assert await cached(1) != await cached(1)
        assert len((await cached.call_and_shelve(1)).get()) == 8
        assert (await cached.call(1))[1] == {}

    assert isinstance(cached, AsyncNotMemorizedFunc)
    asyncio.run(main())


def test_a_cached_coroutine_function_stays_one_where_nothing_else_is_kept(memory: Memory) -> None:
    cached = Memory(None).cache(memory.cache(token))

    async def main() -> bool:
        return await cached(1) == await cached(1)

    assert isinstance(cached, AsyncNotMemorizedFunc)
    assert asyncio.run(main())


class Client:
    async def fetch(self, x: int) -> bytes:
        return os.urandom(8)

    async def __call__(self, x: int) -> bytes:
        return os.urandom(8)


class SpecialClient(Client):
    pass


@pytest.mark.parametrize(
    "function",
    [functools.partial(token, k=2), Client().fetch, Client(), SpecialClient()],
    ids=["partial", "bound method", "callable object", "inherited __call__"],
)
def test_all_that_gives_coroutines_is_recognised(
    memory: Memory, function: Callable[[int], Awaitable[bytes]]
) -> None:
    cached: Any = memory.cache(function)

    async def main() -> bool:
        return bool(await cached(1) == await cached(1))

    assert asyncio.run(main())


@pytest.mark.parametrize("function", [len, lambda x: x, int], ids=["builtin", "lambda", "class"])
def test_what_gives_no_coroutine_is_not_awaited(
    memory: Memory, function: Callable[..., object]
) -> None:
    assert isinstance(memory.cache(function), MemorizedFunc)


def test_methods_of_a_class_are_cached_as_coroutine_functions(memory: Memory) -> None:
    class Model:
        @memory.cache
        async def fit(self, x: int) -> bytes:
            return os.urandom(8)

    async def main() -> bool:
        return bool(await Model().fit(1) == await Model().fit(1))

    assert asyncio.run(main())


def test_it_travels_to_other_processes(local: Memory) -> None:
    cached = local.cache(token)

    travelled = pickle.loads(pickle.dumps(cached))

    async def main() -> bool:
        return bool(await travelled(1) == await cached(1))

    assert asyncio.run(main())


def test_shelving_without_a_store_fails(broken: tuple[Memory, set[str]]) -> None:
    memory, methods = broken
    methods.add("put")

    with pytest.raises(StoreError, match="disk is full"):
        asyncio.run(memory.cache(token).call_and_shelve(1))
