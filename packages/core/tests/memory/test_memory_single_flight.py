"""Single flight among the threads and tasks of a process: one computes what several need."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
from fanfold import Memory
from fanfold.errors import FanfoldWarning, InvalidArgumentError
from fanfold.memory._underway import part_of

LIMIT = 60.0  # seconds, after which what hangs fails


class Stage:
    """Runs that tell when they begin, and end one by one when they are told to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._endings: list[object] = []
        self._began = threading.Semaphore(0)
        self._may_end = threading.Semaphore(0)
        self.runs = 0

    def run(self) -> Any:
        """End as the next ending says: with an exception, or what is to be returned."""
        self.runs += 1
        self._began.release()
        assert self._may_end.acquire(timeout=LIMIT)
        with self._lock:
            ending = self._endings.pop(0)
        if isinstance(ending, BaseException):
            raise ending
        return ending

    def wait_for_runs(self, count: int) -> None:
        """Wait until so many have begun since the last time."""
        for _ in range(count):
            assert self._began.acquire(timeout=LIMIT)

    def end(self, *endings: object) -> None:
        """Let a run end with each of these."""
        with self._lock:
            self._endings.extend(endings)
        self._may_end.release(len(endings))


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as executor:
        yield executor


@pytest.fixture
def wait_for_waiting(memory: Memory, wait_until: Callable[..., None]) -> Callable[[int], None]:
    """Wait until so many cached calls wait, as parts of others, for what another computes."""
    store = memory.store_backend
    assert store is not None

    def wait(count: int) -> None:
        wait_until(
            lambda: len(list(store.list("fanfold-waiting/"))) == count,
            f"there are not {count} calls that wait",
            LIMIT,
        )

    return wait


def results(futures: list[Future[Any]]) -> list[Any]:
    return [future.result(timeout=LIMIT) for future in futures]


def test_of_many_threads_one_computes(
    memory: Memory, stage: Stage, threads: ThreadPoolExecutor
) -> None:
    cached = memory.cache(lambda x: stage.run(), version=1)

    futures = [threads.submit(cached, 1) for _ in range(4)]
    stage.wait_for_runs(1)
    stage.end(["result"])

    assert results(futures) == [["result"]] * 4
    assert stage.runs == 1
    stats = memory.stats()
    assert (stats.misses, stats.hits) == (1, 3)


def test_of_many_threads_one_computes_what_all_shelve(
    memory: Memory, stage: Stage, threads: ThreadPoolExecutor
) -> None:
    cached = memory.cache(lambda x: stage.run(), version=1)

    futures = [threads.submit(cached.call_and_shelve, 1) for _ in range(4)]
    stage.wait_for_runs(1)
    stage.end("result")

    assert [reference.get() for reference in results(futures)] == ["result"] * 4
    assert stage.runs == 1


def test_all_memories_at_one_location_are_one(
    location: str, stage: Stage, threads: ThreadPoolExecutor
) -> None:
    cached = [Memory(location, verbose=0).cache(lambda x: stage.run(), version=1) for _ in range(4)]

    futures = [threads.submit(one, 1) for one in cached]
    stage.wait_for_runs(1)
    stage.end("result")

    assert results(futures) == ["result"] * 4
    assert stage.runs == 1


def test_other_arguments_are_computed_meanwhile(
    memory: Memory, stage: Stage, threads: ThreadPoolExecutor
) -> None:
    cached = memory.cache(lambda x: stage.run(), version=1)

    futures = [threads.submit(cached, x) for x in range(4)]
    stage.wait_for_runs(4)
    stage.end(*"abcd")

    assert sorted(results(futures)) == list("abcd")


@pytest.mark.parametrize("where", ["memory", "function", "read-only memory"])
def test_it_can_be_off(
    location: str, stage: Stage, threads: ThreadPoolExecutor, where: str
) -> None:
    memory = Memory(
        location,
        verbose=0,
        single_flight=where != "memory",
        read_only=where == "read-only memory",
    )
    setting = False if where == "function" else None
    cached = memory.cache(lambda x: stage.run(), version=1, single_flight=setting)

    futures = [threads.submit(cached, 1) for _ in range(4)]
    stage.wait_for_runs(4)
    stage.end(*"abcd")

    assert sorted(results(futures)) == list("abcd")


def test_a_function_may_have_it_where_its_memory_has_not(
    location: str, stage: Stage, threads: ThreadPoolExecutor
) -> None:
    memory = Memory(location, verbose=0, single_flight=False)
    cached = memory.cache(single_flight=True, version=1)(lambda x: stage.run())

    futures = [threads.submit(cached, 1) for _ in range(4)]
    stage.wait_for_runs(1)
    stage.end("result")

    assert results(futures) == ["result"] * 4
    assert stage.runs == 1


def test_after_an_exception_those_who_wait_compute_side_by_side(
    memory: Memory,
    stage: Stage,
    threads: ThreadPoolExecutor,
    wait_for_waiting: Callable[[int], None],
) -> None:
    cached = memory.cache(lambda x: stage.run(), version=1)
    outer = memory.cache(lambda y: cached(1), version=2)
    first = threads.submit(cached, 1)
    stage.wait_for_runs(1)
    futures = [threads.submit(outer, y) for y in range(3)]
    wait_for_waiting(3)

    stage.end(LookupError("as it happens"))
    stage.wait_for_runs(3)
    stage.end(*"abc")

    with pytest.raises(LookupError, match="as it happens"):
        first.result(timeout=LIMIT)
    assert sorted(results(futures)) == list("abc")


def test_after_an_interrupt_one_of_those_who_wait_computes(
    memory: Memory,
    stage: Stage,
    threads: ThreadPoolExecutor,
    wait_for_waiting: Callable[[int], None],
) -> None:
    cached = memory.cache(lambda x: stage.run(), version=1)
    outer = memory.cache(lambda y: cached(1), version=2)
    first = threads.submit(cached, 1)
    stage.wait_for_runs(1)
    futures = [threads.submit(outer, y) for y in range(3)]
    wait_for_waiting(3)

    stage.end(KeyboardInterrupt())
    stage.wait_for_runs(1)
    wait_for_waiting(2)
    stage.end("result")

    with pytest.raises(KeyboardInterrupt):
        first.result(timeout=LIMIT)
    assert results(futures) == ["result"] * 3
    assert stage.runs == 2


def test_a_result_that_cannot_be_kept_reaches_all(
    broken: tuple[Memory, set[str]], stage: Stage, threads: ThreadPoolExecutor
) -> None:
    memory, failing = broken
    failing.add("put")
    cached = memory.cache(lambda x: stage.run(), version=1)

    futures = [threads.submit(cached, 1) for _ in range(4)]
    stage.end(*"abcd")

    with pytest.warns(match="results are computed but not kept"):
        assert sorted(results(futures)) == list("abcd")


def test_a_recursive_function_calls_itself_through_the_cache(memory: Memory) -> None:
    def fibonacci(n: int) -> int:
        return n if n < 2 else cached(n - 1) + cached(n - 2)

    cached: Any = memory.cache(fibonacci, version=1)

    assert cached(20) == 6765
    assert memory.stats().misses == 21


def test_a_call_does_not_wait_for_itself(memory: Memory) -> None:
    def depth(n: int, left: int) -> int:
        return cached(n, left - 1) + 1 if left else 0

    cached: Any = memory.cache(depth, ignore=["left"], version=1)

    assert cached(1, left=3) == 3


def test_a_recursion_without_end_ends_as_without_a_cache(memory: Memory) -> None:
    def forever(n: int) -> int:
        return int(cached(n))

    cached: Any = memory.cache(forever, version=1)

    with pytest.raises(RecursionError):
        cached(1)


def test_two_threads_that_need_each_others_result_do_not_wait_for_each_other(
    memory: Memory, threads: ThreadPoolExecutor
) -> None:
    both_run = threading.Barrier(2, timeout=LIMIT)

    def computed(name: str, other: str | None) -> str:
        if other is None:
            return name
        both_run.wait()
        return name + str(cached(other, None))

    cached = memory.cache(computed, ignore=["other"], version=1)

    futures = [threads.submit(cached, "a", "b"), threads.submit(cached, "b", "a")]

    # At least one of them computes the other's beside it.
    assert [result[0] for result in results(futures)] == ["a", "b"]


def test_a_circle_of_many_threads_is_noticed(memory: Memory, threads: ThreadPoolExecutor) -> None:
    size = 5
    all_run = threading.Barrier(size, timeout=LIMIT)

    def computed(number: int, is_first: bool) -> int:
        if is_first:
            all_run.wait()
            cached((number + 1) % size, is_first=False)
        return number

    cached = memory.cache(computed, ignore=["is_first"], version=1)

    futures = [threads.submit(cached, number, is_first=True) for number in range(size)]

    assert results(futures) == list(range(size))


def test_a_wait_for_what_computes_something_else_is_no_circle(
    memory: Memory,
    stage: Stage,
    threads: ThreadPoolExecutor,
    wait_for_waiting: Callable[[int], None],
) -> None:
    inner = memory.cache(lambda x: stage.run(), version=1)
    middle = memory.cache(lambda x: inner(x), version=2)
    outer = memory.cache(lambda y: middle(1), version=3)

    futures = [threads.submit(inner, 1)]
    stage.wait_for_runs(1)
    futures += [threads.submit(outer, y) for y in range(3)]
    wait_for_waiting(3)  # one waits within the middle one, and two for that
    stage.end("result")

    assert results(futures) == ["result"] * 4
    assert stage.runs == 1


def test_what_a_call_sends_elsewhere_is_part_of_it(memory: Memory, concurrent_backend: str) -> None:
    cached: Any = memory.cache(sent_on, ignore=["memory", "backend"])

    assert cached(1, memory, concurrent_backend) == "computed"


def sent_on(n: int, memory: Memory, backend: str | None) -> str:
    """Call itself with the same key in a worker, if told which."""
    from fanfold import Parallel, delayed

    if backend is None:
        return "computed"
    again = memory.cache(sent_on, ignore=["memory", "backend"])
    [result] = Parallel(n_jobs=2, backend=backend)(
        delayed(again)(n, memory, None) for _ in range(1)
    )
    return str(result)


def test_the_validation_callback_decides_for_those_who_waited_too(
    memory: Memory, stage: Stage, threads: ThreadPoolExecutor
) -> None:
    asked: list[object] = []

    def is_good(metadata: object) -> bool:
        asked.append(metadata)
        return len(asked) > 1

    cached = memory.cache(lambda x: stage.run(), version=1, cache_validation_callback=is_good)
    stage.end("old")
    cached(1)

    stage.end("new", "newer", "newest")
    futures = [threads.submit(cached, 1) for _ in range(2)]

    assert results(futures)[0] in {"new", "newer"}
    assert memory.stats().entries == 1


@pytest.mark.parametrize("seconds", [0, -1, "soon", None])
def test_a_lease_lasts_some_seconds(location: str, seconds: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=f"lease_seconds={seconds!r}: expected"):
        Memory(location, lease_seconds=seconds)


class AsyncStage:
    """The same for tasks of an event loop."""

    def __init__(self) -> None:
        self.runs = 0
        self.began = asyncio.Event()
        self.may_end = asyncio.Event()

    async def run(self) -> str:
        self.runs += 1
        self.began.set()
        await asyncio.wait_for(self.may_end.wait(), LIMIT)
        return "result"


def test_of_many_tasks_one_computes(memory: Memory) -> None:
    async def main() -> tuple[list[str], int]:
        stage = AsyncStage()

        async def perform(x: int) -> str:
            return await stage.run()

        cached = memory.cache(perform, version=1)
        tasks = [asyncio.create_task(cached(1)) for _ in range(4)]
        await stage.began.wait()
        stage.may_end.set()
        return await asyncio.gather(*tasks), stage.runs

    assert asyncio.run(main()) == (["result"] * 4, 1)


def test_of_many_tasks_one_computes_what_all_shelve(memory: Memory) -> None:
    async def main() -> tuple[list[str], int]:
        stage = AsyncStage()

        async def perform(x: int) -> str:
            return await stage.run()

        cached: Any = memory.cache(perform, version=1)
        tasks = [asyncio.create_task(cached.call_and_shelve(1)) for _ in range(4)]
        await stage.began.wait()
        stage.may_end.set()
        return [found.get() for found in await asyncio.gather(*tasks)], stage.runs

    assert asyncio.run(main()) == (["result"] * 4, 1)


def test_a_task_that_is_cancelled_is_replaced_by_one_that_waits(memory: Memory) -> None:
    async def main() -> tuple[list[str], int]:
        stage = AsyncStage()

        async def perform(x: int) -> str:
            return await stage.run()

        cached = memory.cache(perform, version=1)
        first = asyncio.create_task(cached(1))
        await stage.began.wait()
        tasks = [asyncio.create_task(cached(1)) for _ in range(3)]
        await asyncio.sleep(0)  # they run as far as they get
        stage.began.clear()
        first.cancel()
        await stage.began.wait()
        stage.may_end.set()
        return await asyncio.gather(*tasks), stage.runs

    assert asyncio.run(main()) == (["result"] * 3, 2)


def test_a_task_that_waits_may_be_cancelled(memory: Memory) -> None:
    async def main() -> tuple[str, int]:
        stage = AsyncStage()

        async def perform(x: int) -> str:
            return await stage.run()

        cached = memory.cache(perform, version=1)
        first = asyncio.create_task(cached(1))
        await stage.began.wait()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(cached(1), 0.01)
        stage.may_end.set()
        return await first, stage.runs

    assert asyncio.run(main()) == ("result", 1)


@pytest.mark.parametrize("other", [1, 2])
def test_a_coroutine_that_no_event_loop_of_asyncio_runs_does_not_wait(
    memory: Memory, other: int
) -> None:
    class Suspended:
        def __await__(self) -> Generator[str, None, None]:
            yield "suspended"

    async def perform(x: int) -> str:
        await Suspended()
        return "result"

    cached = memory.cache(perform, version=1)
    first: Any = cached(1)
    second: Any = cached(other)

    def take_turns() -> tuple[object, ...]:
        assert [first.send(None), second.send(None)] == ["suspended"] * 2
        for coroutine in (first, second):
            with pytest.raises(StopIteration, match="result"):
                coroutine.send(None)
        return part_of.get()

    assert copy_context().run(take_turns) == ()  # neither is underway any more


def one_more(x: int) -> int:
    return x + 1


async def one_more_later(x: int) -> int:
    return x + 1


@pytest.mark.parametrize(
    ("function", "call"),
    [
        (one_more, lambda cached: cached(1)),
        (one_more_later, lambda cached: asyncio.run(cached(1))),
    ],
)
def test_where_locks_cannot_be_waited_for_a_call_computes_and_says_so(
    tmp_path: Path, function: Callable[..., Any], call: Callable[[Any], int]
) -> None:
    cached = Memory(f"lockless://{tmp_path}", verbose=0).cache(function)

    with pytest.warns(FanfoldWarning, match="cannot wait for a lock"):
        result = call(cached)

    assert result == 2
