"""Tasks whose results a Memory has: they are looked up, and only the others are sent."""

from __future__ import annotations

import threading
from collections import Counter

import numpy as np
import pytest
from fanfold import Memory, Parallel, TaskFailure, delayed, share, task_rng
from fanfold.contracts.hooks import hookimpl
from fanfold.errors import FanfoldWarning
from fanfold.plugins import hooks

RETURN_AS = ["list", "generator", "generator_unordered"]


def double(x):
    return 2 * x


def total(array):
    return float(array.sum())


def invert(x):
    return 1 / x


def draw(x):
    return x, float(task_rng().random())


def numbers(n):
    return np.arange(float(n))


def wait_for(x, folder):
    while x == 0 and not (folder / "go").exists():
        threading.Event().wait(0.002)
    return x


class Scale:
    def __init__(self, factor):
        self.factor = factor

    def times(self, x):
        return self.factor * x


class Grumpy:
    @property
    def nbytes(self):
        raise RuntimeError("not telling")


@pytest.fixture
def memory(tmp_path):
    return Memory(tmp_path / "cache", verbose=0)


@pytest.fixture
def run(concurrent_backend):
    """Run tasks; the Parallel that did so is its attribute `parallel`."""

    def run(tasks, return_as="list", **options):
        run.parallel = Parallel(
            n_jobs=2, backend=concurrent_backend, return_as=return_as, **options
        )
        return run.parallel(tasks)

    return run


@pytest.mark.parametrize("return_as", RETURN_AS)
def test_only_what_is_not_there_is_sent(run, memory, return_as):
    cached = memory.cache(double)
    for x in (0, 3, 4, 5, 99):
        cached(x)

    results = list(run((delayed(cached)(x) for x in range(100)), return_as))

    if return_as == "generator_unordered":
        results.sort()
    assert results == [2 * x for x in range(100)]
    assert run.parallel.n_dispatched_tasks == 95
    assert run.parallel.n_completed_tasks == 100


@pytest.mark.parametrize("return_as", RETURN_AS)
def test_where_all_is_there_nothing_is_sent(run, memory, return_as):
    cached = memory.cache(double)
    for x in range(300):
        cached(x)

    results = list(run([delayed(cached)(x) for x in range(300)], return_as))

    assert results == [2 * x for x in range(300)]
    assert run.parallel.n_dispatched_tasks == 0


def test_what_workers_compute_is_there_for_the_next_call(run, memory):
    cached = memory.cache(double)
    run(delayed(cached)(x) for x in range(20))

    assert run(delayed(cached)(x) for x in range(20)) == [2 * x for x in range(20)]
    assert run.parallel.n_dispatched_tasks == 0


def test_what_is_found_comes_at_once_where_order_does_not_matter(run, memory, tmp_path):
    cached = memory.cache(wait_for, ignore=["folder"])
    for x in range(1, 10):
        cached(x, tmp_path)
    results = run((delayed(cached)(x, tmp_path) for x in range(10)), "generator_unordered")

    found = [next(results) for _ in range(9)]

    (tmp_path / "go").touch()
    assert found == list(range(1, 10))
    assert list(results) == [0]


def test_what_is_found_waits_for_its_turn_where_order_matters(run, memory, tmp_path):
    cached = memory.cache(wait_for, ignore=["folder"])
    for x in range(1, 10):
        cached(x, tmp_path)
    results = run((delayed(cached)(x, tmp_path) for x in range(10)), "generator")
    (tmp_path / "go").touch()

    assert list(results) == list(range(10))
    assert run.parallel.n_dispatched_tasks == 1


@pytest.mark.parametrize("store", ["memory", "many"])
@pytest.mark.parametrize("return_as", RETURN_AS[1:])
def test_the_input_is_taken_from_as_far_as_pre_dispatch_says(run, request, store, return_as):
    cached = request.getfixturevalue(store).cache(double)
    for x in range(50):
        cached(x)
    taken = []

    def tasks():
        for x in range(50):
            taken.append(x)
            yield delayed(cached)(x)

    results = run(tasks(), return_as, pre_dispatch=3)
    next(results)

    assert len(taken) <= 4
    assert list(results) == [2 * x for x in range(1, 50)]


def test_a_consumer_that_stops_stops_the_looking(run, memory):
    cached = memory.cache(double)
    cached(1)
    taken = []

    def tasks():
        for x in range(10_000):
            taken.append(x)
            yield delayed(cached)(1)

    results = run(tasks(), "generator")
    next(results)

    assert len(taken) < 2000
    results.close()


def test_little_of_what_is_large_is_looked_up_ahead(run, memory):
    cached = memory.cache(numbers)
    size = 1 << 20  # 8 MB each
    cached(size)
    taken = []

    def tasks():
        for x in range(200):
            taken.append(x)
            yield delayed(cached)(size)

    results = run(tasks(), "generator")
    next(results)

    assert len(taken) < 50
    results.close()


def test_everything_is_taken_at_once_where_that_is_asked_for(run, memory):
    cached = memory.cache(double)
    for x in range(0, 20, 2):
        cached(x)
    taken = []

    def tasks():
        for x in range(20):
            taken.append(x)
            yield delayed(cached)(x)

    results = run(tasks(), "generator", pre_dispatch="all")

    assert len(taken) == 20
    assert list(results) == [2 * x for x in range(20)]
    assert run.parallel.n_dispatched_tasks == 10


def test_hits_and_misses_are_counted(run, memory):
    cached = memory.cache(double)
    for x in range(7):
        cached(x)

    run(delayed(cached)(x) for x in range(10))

    assert (memory.stats().hits, memory.stats().misses) == (7, 10)


def test_shelved_results_are_found(run, memory):
    cached = memory.cache(double)
    cached(1)

    references = run(delayed(cached.call_and_shelve)(x) for x in range(4))

    assert [reference.get() for reference in references] == [0, 2, 4, 6]
    assert run.parallel.n_dispatched_tasks == 3


def test_a_call_that_always_computes_is_sent(run, memory):
    cached = memory.cache(double)
    cached(1)

    [(result, metadata)] = run([delayed(cached.call)(1)])

    assert (result, run.parallel.n_dispatched_tasks) == (2, 1)
    assert metadata["duration"] >= 0


def test_methods_are_found_by_the_value_of_their_instance(run, memory):
    class Cached(Scale):
        times = memory.cache(Scale.times)

    Cached(3).times(5)

    results = run(delayed(Cached(factor).times)(5) for factor in (2, 3))

    assert results == [10, 15]
    assert run.parallel.n_dispatched_tasks == 1


def test_any_number_of_instances_may_have_the_method(run, memory):
    class Cached(Scale):
        times = memory.cache(Scale.times)

    for factor in range(100):
        Cached(factor).times(5)

    results = run(delayed(Cached(factor).times)(5) for factor in range(100))

    assert results == [5 * factor for factor in range(100)]
    assert run.parallel.n_dispatched_tasks == 0


def test_a_result_that_does_not_tell_its_size_is_found(run, memory):
    cached = memory.cache(Grumpy)
    cached()

    [found] = run([delayed(cached)()])

    assert type(found) is Grumpy
    assert run.parallel.n_dispatched_tasks == 0


def test_tasks_of_several_functions_are_each_looked_up_as_they_should_be(run, memory):
    cached = memory.cache(double)
    cached(1)

    results = run([delayed(cached)(1), delayed(abs)(-2), delayed(cached)(3), delayed(cached)(1)])

    assert results == [2, 2, 6, 2]
    assert run.parallel.n_dispatched_tasks == 2


def test_shared_objects_are_looked_up_by_what_they_hold(run, memory):
    cached = memory.cache(total)
    array = np.arange(10.0)
    cached(array)

    assert run([delayed(cached)(share(array))]) == [45.0]
    assert run.parallel.n_dispatched_tasks == 0


@pytest.mark.parametrize("store", ["memory", "many"])
def test_arguments_count_as_they_were_when_they_were_taken(store, request):
    cached = request.getfixturevalue(store).cache(total)
    cached(np.full(3, 1.0))
    array = np.zeros(3)

    def tasks():
        for _ in range(5):
            array[:] += 1
            yield delayed(cached)(array)

    # On processes: where memory is shared, tasks see what becomes of the array.
    parallel = Parallel(n_jobs=2, backend="processes", batch_size=2)
    if store == "many":
        cached = Memory(None).cache(total)  # its entries are in this process alone

    assert parallel(tasks()) == [3.0, 6.0, 9.0, 12.0, 15.0]


def test_a_task_that_cannot_be_looked_up_fails_in_its_place(memory):
    cached = memory.cache(double)
    cached(1)
    calls = [((1,), {}), ((threading.Lock(),), {}), ((1, 2), {}), ((4,), {})]

    results = Parallel(n_jobs=2, backend="threads", on_error="return")(
        (cached, args, kwargs) for args, kwargs in calls
    )

    assert [results[0], results[3]] == [2, 8]
    failures = [(one.index, type(one.exception).__name__) for one in results[1:3]]
    assert failures == [(1, "UnhashableValueError"), (2, "InvalidArgumentError")]


def test_a_failure_is_that_of_its_task_and_tried_again(run, memory):
    cached = memory.cache(invert)
    for x in (1, 2, 4, 5):
        cached(x)

    results = run((delayed(cached)(x) for x in (1, 2, 0, 4, 5)), on_error="return", retries=1)

    failure = results.pop(2)
    assert results == [1, 0.5, 0.25, 0.2]
    assert isinstance(failure, TaskFailure)
    assert (failure.index, failure.attempts) == (2, 2)


def test_the_first_failure_ends_the_call(run, memory):
    cached = memory.cache(invert)
    cached(1)

    with pytest.raises(ZeroDivisionError):
        run(delayed(cached)(x) for x in [1] * 100 + [0] + [1] * 100)


def test_each_task_draws_what_it_would_draw_if_nothing_were_found(run, memory):
    cached = memory.cache(draw)
    plain = run((delayed(draw)(x) for x in range(8)), seed=3)
    for x in (0, 3, 4):
        cached.put((x,), "found")

    results = run((delayed(cached)(x) for x in range(8)), seed=3)

    expected = ["found" if x in (0, 3, 4) else plain[x] for x in range(8)]
    assert results == expected


def test_what_is_found_is_told_as_done(run, memory, capsys):
    cached = memory.cache(double)
    for x in range(9):
        cached(x)
    told = Counter()

    class Observer:
        @hookimpl
        def fanfold_batch_finished(self, n_tasks):
            told["done"] += n_tasks

        @hookimpl
        def fanfold_cache_event(self, event):
            told[event] += 1

    hooks.register(observer := Observer())
    try:
        run((delayed(cached)(x) for x in range(10)), progress=True)
    finally:
        hooks.unregister(observer)

    assert told["done"] == 10
    assert (told["hit"], told["miss"]) == (9, 1)
    assert "done 10" in capsys.readouterr().err


def test_a_result_that_its_validation_refuses_is_computed_again(run, memory):
    memory.cache(double)(1)
    cached = memory.cache(double, cache_validation_callback=_never)

    assert run(delayed(cached)(x) for x in (1, 1)) == [2, 2]
    assert run.parallel.n_dispatched_tasks == 2


def _never(metadata):
    return False


def _fails(metadata):
    raise RuntimeError("no idea")


def test_a_validation_that_fails_fails_the_task(run, memory):
    memory.cache(double)(1)
    cached = memory.cache(double, cache_validation_callback=_fails)

    with pytest.raises(RuntimeError, match="no idea"):
        run([delayed(cached)(1)])


@pytest.mark.parametrize(
    "options",
    [{"hot": "1MB"}, {"ttl": 1000}, {"compress": True}, {"signing_key": "FANFOLD_KEY"}],
    ids=lambda options: next(iter(options)),
)
def test_results_are_found_however_they_are_kept(run, tmp_path, monkeypatch, options):
    monkeypatch.setenv("FANFOLD_KEY", "a key of thirty-two bytes or more")
    cached = Memory(tmp_path, verbose=0, **options).cache(double)
    for x in range(5):
        cached(x)

    assert run(delayed(cached)(x) for x in range(5)) == [0, 2, 4, 6, 8]
    assert run.parallel.n_dispatched_tasks == 0


def test_what_is_not_signed_is_refused_counted_and_computed(run, tmp_path, monkeypatch):
    monkeypatch.setenv("FANFOLD_KEY", "a key of thirty-two bytes or more")
    plain = Memory(tmp_path, verbose=0).cache(double)
    plain.put((1,), "forged")
    memory = Memory(tmp_path, verbose=0, signing_key="FANFOLD_KEY")

    with pytest.warns(FanfoldWarning, match="is not signed"):
        results = run([delayed(memory.cache(double))(x) for x in (1, 2)])

    assert results == [2, 4]
    assert memory.stats().refused == 1


def test_a_cache_that_is_read_only_is_looked_up(run, memory):
    memory.cache(double)(1)
    reading = Memory(memory.location, verbose=0, read_only=True).cache(double)

    assert run(delayed(reading)(x) for x in (1, 2)) == [2, 4]
    assert run.parallel.n_dispatched_tasks == 1


def test_arrays_that_are_found_are_mapped(run, tmp_path):
    cached = Memory(tmp_path, verbose=0, mmap_mode="r").cache(numbers)
    cached(1000)

    [found] = run([delayed(cached)(1000)])

    assert isinstance(found, np.memmap)
    assert run.parallel.n_dispatched_tasks == 0


def test_ignored_arguments_need_not_travel(memory):
    cached = memory.cache(wait_for, ignore=["folder"])
    cached(1, None)

    assert Parallel(n_jobs=2)([delayed(cached)(1, threading.Lock())]) == [1]


def test_a_damaged_result_is_told_once_and_computed(memory):
    cached = memory.cache(double)
    cached(1)
    [entry] = memory.entries()
    memory.store_backend.put(entry.key, [b"damaged"])

    with pytest.warns(FanfoldWarning) as caught:
        results = Parallel(n_jobs=2, backend="threads")([delayed(cached)(1), delayed(cached)(2)])

    assert results == [2, 4]
    assert len(caught) == 1


def test_a_function_that_keeps_nothing_is_sent(run):
    cached = Memory(None).cache(double)

    assert run(delayed(cached)(x) for x in range(3)) == [0, 2, 4]
    assert run.parallel.n_dispatched_tasks == 3


def test_a_loop_in_the_calling_thread_looks_up_each_task_when_it_is_its_turn(memory):
    cached = memory.cache(double)

    results = Parallel(n_jobs=1)(delayed(cached)(x % 2) for x in range(6))

    assert results == [0, 2] * 3
    assert (memory.stats().hits, memory.stats().misses) == (4, 2)


def test_an_error_of_the_input_is_raised(run, memory):
    cached = memory.cache(double)
    cached(1)

    def tasks():
        yield delayed(cached)(1)
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        run(tasks())


def test_what_is_no_task_is_refused_in_its_place(run, memory):
    cached = memory.cache(double)
    cached(1)

    with pytest.raises(TypeError, match="task 1 is 17"):
        run([delayed(cached)(1), 17])
