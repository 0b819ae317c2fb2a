"""``Memory("s3://bucket/prefix")``, as a user sees it."""

from __future__ import annotations

import os
from typing import Any

import pytest
from fanfold import Memory, Parallel, delayed
from fanfold.errors import FanfoldWarning


def test_memory_keeps_results_in_a_bucket(s3: Any) -> None:
    location = s3.new_location()

    def draw(size: int) -> bytes:
        return os.urandom(size)

    kept = Memory(location, backend_options=s3.options, verbose=0).cache(draw)(8)

    again = Memory(location, backend_options=s3.options, verbose=0).cache(draw)
    assert again(8) == kept
    assert again(9) != kept
    prefix = location.removeprefix("s3://bucket/")
    assert s3.client.list_objects_v2(Bucket="bucket", Prefix=f"{prefix}/")["KeyCount"] == 2


@pytest.mark.parametrize("backend", ["processes", "threads"])
def test_workers_share_the_bucket(s3: Any, backend: str) -> None:
    memory = Memory(s3.new_location(), backend_options=s3.options, verbose=0)

    @memory.cache
    def draw(size: int) -> bytes:
        return os.urandom(size)

    tasks = [delayed(draw)(size) for size in range(8, 14)]
    kept = Parallel(n_jobs=2, backend=backend)(tasks)

    assert Parallel(n_jobs=2, backend=backend)(tasks) == kept
    assert [draw(size) for size in range(8, 14)] == kept


@pytest.mark.parametrize("backend", ["processes", "threads"])
def test_results_in_the_bucket_are_looked_up_before_tasks_are_sent(s3: Any, backend: str) -> None:
    cached = Memory(s3.new_location(), backend_options=s3.options, verbose=0).cache(abs)
    for number in range(0, 80, 2):
        cached.put((number,), f"found {number}")
    parallel = Parallel(n_jobs=2, backend=backend)

    results = parallel(delayed(cached)(number) for number in range(80))

    expected = [number if number % 2 else f"found {number}" for number in range(80)]
    assert results == expected
    assert parallel.n_dispatched_tasks == 40


def test_a_bucket_that_is_not_there_costs_the_cache_and_not_the_result(s3: Any) -> None:
    memory = Memory("s3://no-such-bucket/prefix", backend_options=s3.options, verbose=0)

    with pytest.warns(FanfoldWarning, match="create the bucket, or check its name"):
        assert memory.cache(len)("four") == 4


def test_a_budget_is_kept_by_listing(s3: Any) -> None:
    memory = Memory(s3.new_location(), backend_options=s3.options, verbose=0, max_entries=3)
    cached = memory.cache(os.urandom)

    for size in range(6):
        cached(size)

    assert memory.stats().entries == 3


def test_a_computation_leaves_its_result_and_no_lease(s3: Any) -> None:
    memory = Memory(s3.new_location(), backend_options=s3.options, verbose=0)
    seen: list[list[str]] = []

    @memory.cache(version=1)
    def look(number: int) -> int:
        assert memory.store_backend is not None
        seen.append([entry.key.split("/")[0] for entry in memory.store_backend.list()])
        return number

    assert look(1) == 1
    assert seen == [["fanfold-leases"]]
    assert memory.store_backend is not None
    assert [entry.key.split("/")[0] for entry in memory.store_backend.list()] == ["fanfold"]
