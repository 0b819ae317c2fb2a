"""Tasks whose results are looked up in a store that is best read many at once."""

from __future__ import annotations

from typing import Any

import pytest
from fanfold import Memory, Parallel, delayed

from .many_store import ManyStore


def double(x):
    return 2 * x


def test_they_are(many):
    cached = many.cache(double)
    for x in range(0, 200, 2):
        cached(x)
    parallel = Parallel(n_jobs=2, backend="threads")

    results = parallel(delayed(cached)(x) for x in range(200))

    assert results == [2 * x for x in range(200)]
    assert parallel.n_dispatched_tasks == 100
    assert max(ManyStore.asked) > 50


def test_shelved_ones_too(many):
    cached = many.cache(double)
    for x in range(0, 10, 2):
        cached(x)
    parallel = Parallel(n_jobs=2, backend="threads")

    references = parallel(delayed(cached.call_and_shelve)(x) for x in range(10))

    assert [reference.get() for reference in references] == [2 * x for x in range(10)]
    assert parallel.n_dispatched_tasks == 5


def test_what_is_in_the_process_is_not_asked_for(many):
    cached = Memory(many.location, verbose=0, hot="1MB").cache(double)
    for x in range(10):
        cached(x)
        cached(x)  # from now on it is here

    Parallel(n_jobs=2, backend="threads")(delayed(cached)(x) for x in range(12))

    assert sum(ManyStore.asked) == 2


def test_those_of_a_cache_that_is_read_only_too(many):
    many.cache(double)(1)
    reading = Memory(many.location, verbose=0, read_only=True).cache(double)

    results = Parallel(n_jobs=2, backend="threads")(delayed(reading)(x) for x in (1, 2))

    assert results == [2, 4]
    assert ManyStore.asked == [2]


def test_tasks_before_an_error_of_the_input_are_done(many):
    cached = many.cache(double)
    cached(1)

    def tasks():
        yield delayed(cached)(1)
        yield delayed(cached)(2)
        raise RuntimeError("no more")

    results: Any = Parallel(n_jobs=2, backend="threads", return_as="generator")(tasks())

    assert next(results) == 2
    with pytest.raises(RuntimeError, match="no more"):
        list(results)


def test_a_store_that_cannot_be_read_costs_no_task(many, monkeypatch):
    cached = many.cache(double)
    cached(1)

    def fail(self, keys, start=0, stop=None):
        raise OSError("not now")

    monkeypatch.setattr(ManyStore, "get_many", fail)

    results = Parallel(n_jobs=2, backend="threads")(delayed(cached)(x) for x in range(3))

    assert results == [0, 2, 4]
