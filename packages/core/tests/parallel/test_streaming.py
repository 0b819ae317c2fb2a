"""Generators of results: order, laziness, backpressure, early ends."""

import gc
import os
import threading

import pytest
from fanfold import Parallel, delayed


def stream(backend, return_as="generator", **options):
    return Parallel(n_jobs=2, backend=backend, return_as=return_as, **options)


class Count:
    """Counts runs of tasks in a directory, so that it works from processes too."""

    def __init__(self, folder):
        self.folder = folder

    def task(self, i):
        (self.folder / f"run-{i}").touch()
        return i

    def runs(self):
        return len(list(self.folder.glob("run-*")))


@pytest.fixture
def count(tmp_path):
    return Count(tmp_path)


def wait_for(path):
    while not path.exists():
        threading.Event().wait(0.002)


def test_a_generator_yields_in_order(backend):
    results = stream(backend)(delayed(abs)(-i) for i in range(100))
    assert next(results) == 0
    assert list(results) == list(range(1, 100))


def test_the_older_argument_gives_a_generator_too(backend):
    results = Parallel(n_jobs=2, backend=backend, return_generator=True)(
        delayed(abs)(i) for i in range(3)
    )
    assert next(results) == 0
    assert list(results) == [1, 2]


def test_unordered_yields_everything_once(backend):
    results = stream(backend, "generator_unordered")(delayed(abs)(-i) for i in range(100))
    assert sorted(results) == list(range(100))


def test_unordered_does_not_wait_for_a_slow_task(concurrent_backend, tmp_path):
    def task(i):
        if i == 0:
            wait_for(tmp_path / "go")
        return i

    results = stream(concurrent_backend, "generator_unordered", batch_size=1)(
        delayed(task)(i) for i in range(10)
    )
    first_nine = [next(results) for _ in range(9)]
    assert 0 not in first_nine
    (tmp_path / "go").touch()
    assert list(results) == [0]


def test_ordered_goes_on_behind_a_slow_task(concurrent_backend, tmp_path, wait_until):
    def task(i):
        if i == 0:
            # Ends only when tasks far behind have run: they must not wait for it.
            wait_for(tmp_path / "19")
        (tmp_path / str(i)).touch()
        return i

    results = stream(concurrent_backend, batch_size=1)(delayed(task)(i) for i in range(30))
    assert list(results) == list(range(30))


def test_work_begins_before_the_first_result_is_asked_for(concurrent_backend, count, wait_until):
    results = stream(concurrent_backend)(delayed(count.task)(i) for i in range(10))
    wait_until(lambda: count.runs() > 0, "nothing ran ahead")
    assert list(results) == list(range(10))


def test_in_the_calling_thread_each_task_runs_when_its_result_is_asked_for(count):
    results = stream("sequential")(delayed(count.task)(i) for i in range(10))
    assert count.runs() == 0
    next(results)
    assert count.runs() == 1


@pytest.mark.parametrize("pre_dispatch", [2, "n_jobs", 5])
@pytest.mark.parametrize("return_as", ["generator", "generator_unordered"])
def test_a_consumer_that_stops_stops_the_work(
    concurrent_backend, return_as, pre_dispatch, count, wait_until
):
    bound = 2 if pre_dispatch == "n_jobs" else pre_dispatch
    results = stream(concurrent_backend, return_as, pre_dispatch=pre_dispatch)(
        delayed(count.task)(i) for i in range(1000)
    )
    next(results)
    # All that may run has run when the last submitted task is done.
    wait_until(lambda: count.runs() >= bound, "what was submitted did not run")
    run = stream(concurrent_backend)
    list(run(delayed(abs)(i) for i in range(50)))  # time enough for more, were there any
    assert count.runs() <= bound + 1
    assert len(list(results)) == 999


def test_memory_of_a_stream_is_bounded_by_default(concurrent_backend, count, wait_until):
    results = stream(concurrent_backend, batch_size=1)(delayed(count.task)(i) for i in range(1000))
    next(results)
    list(stream(concurrent_backend)(delayed(abs)(i) for i in range(50)))
    assert count.runs() < 100
    results.close()


def test_all_runs_ahead_of_a_consumer_that_is_away(concurrent_backend, count, wait_until):
    results = stream(concurrent_backend, pre_dispatch="all")(
        delayed(count.task)(i) for i in range(200)
    )
    wait_until(lambda: count.runs() == 200, "the work waits for the consumer")
    assert list(results) == list(range(200))


def drivers():
    """Return the threads that take results while nobody asks for any."""
    return {thread for thread in threading.enumerate() if "driver" in thread.name}


def test_closing_ends_what_runs_ahead(concurrent_backend, tmp_path, wait_until):
    drivers_of_others = drivers()

    def task(i):
        (tmp_path / f"{i}").touch()
        wait_for(tmp_path / "go")

    results = stream(concurrent_backend, batch_size=1, pre_dispatch="all")(
        delayed(task)(i) for i in range(100)
    )
    wait_until(lambda: len(list(tmp_path.iterdir())) >= 2, "nothing ran")
    results.close()
    (tmp_path / "go").touch()
    assert drivers() <= drivers_of_others
    assert len(list(tmp_path.glob("[0-9]*"))) <= 2 + 1


def test_an_error_of_what_runs_ahead_comes_to_the_consumer(backend):
    def task(i):
        if i == 7:
            raise ValueError("seven")
        return i

    results = stream(backend, pre_dispatch="all", batch_size=100)(
        delayed(task)(i) for i in range(10)
    )
    assert [next(results) for _ in range(7)] == list(range(7))
    with pytest.raises(ValueError, match="seven"):
        next(results)


def test_a_timeout_of_what_runs_ahead_comes_to_the_consumer(tmp_path):
    results = stream("processes", pre_dispatch="all", timeout=0.3)(
        delayed(wait_for)(tmp_path / "never") for _ in range(4)
    )
    with pytest.raises(TimeoutError, match="wait_for"):
        next(results)


def test_closing_cancels_the_rest(concurrent_backend, tmp_path, wait_until):
    def task(i):
        (tmp_path / f"{i}").touch()
        wait_for(tmp_path / "go")
        return i

    results = stream(concurrent_backend, batch_size=1)(delayed(task)(i) for i in range(100))
    wait_until(lambda: len(list(tmp_path.iterdir())) >= 2, "nothing ran")
    results.close()
    (tmp_path / "go").touch()
    list(stream(concurrent_backend)(delayed(abs)(i) for i in range(50)))
    assert len(list(tmp_path.iterdir())) <= 2 + 1
    with pytest.raises(StopIteration):
        next(results)


def test_a_forgotten_generator_gives_its_workers_back(wait_until, is_running):
    run = stream("processes")
    results = run(delayed(os.getpid)() for _ in range(1000))
    worker = next(results)
    del results
    gc.collect()
    assert list(run(delayed(abs)(-1) for _ in range(2))) == [1, 1]
    assert worker != os.getpid()


def test_what_was_done_is_yielded_before_the_error(backend):
    def task(i):
        if i == 5:
            raise ValueError("five")
        return i

    # On the backends with workers, the first batch holds the failing task; in the calling thread,
    # batches are of one task when streaming.
    results = stream(backend, batch_size=10)(delayed(task)(i) for i in range(1000))
    seen = []
    with pytest.raises(ValueError, match="five"):
        seen.extend(results)  # extend keeps what it took before the exception
    assert seen == [0, 1, 2, 3, 4]


def test_nothing_comes_after_the_error(backend):
    def task(i):
        raise ValueError(i)

    results = stream(backend)(delayed(task)(i) for i in range(10))
    with pytest.raises(ValueError):
        next(results)
    with pytest.raises(StopIteration):
        next(results)


def test_an_empty_stream_ends(backend):
    assert list(stream(backend)([])) == []


def test_an_input_without_end_can_be_streamed(backend):
    def inputs():
        i = 0
        while True:
            yield delayed(abs)(i)
            i += 1

    results = stream(backend)(inputs())
    assert [next(results) for _ in range(50)] == list(range(50))
    results.close()


class Result(list):
    """Its instances can be found among all objects."""


def test_results_are_released_when_they_were_taken(backend):
    results = stream(backend, pre_dispatch=2)(delayed(Result)() for _ in range(20))
    most = 0
    for result in results:
        assert type(result) is Result
        del result
        gc.collect()
        most = max(most, sum(type(item) is Result for item in gc.get_objects()))
    assert most <= 4


def test_counts_of_tasks_can_be_watched(backend):
    run = stream(backend, pre_dispatch=2)
    results = run(delayed(abs)(i) for i in range(10))
    next(results)
    assert 1 <= run.n_completed_tasks <= run.n_dispatched_tasks <= 4
    list(results)
    assert run.n_completed_tasks == run.n_dispatched_tasks == 10
