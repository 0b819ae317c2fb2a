"""Programs that use Parallel: what holds with joblib holds with fanfold."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
import time
from concurrent.futures.process import BrokenProcessPool
from math import sqrt

import fanfold
import joblib
import pytest

BACKENDS = ["loky", "threading", "sequential", None]


def fail_on_three(number):
    if number == 3:
        raise ZeroDivisionError("three", 3)
    return number


def nested(library, number):
    return library.Parallel(n_jobs=2)(library.delayed(pow)(number, i) for i in range(3))


def is_main_thread(_):
    return threading.current_thread() is threading.main_thread()


def end_worker(_):
    os._exit(3)


def pid(_):
    return os.getpid()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("n_jobs", [1, 2, -1, None])
def test_results_come_in_the_order_of_the_tasks(library, backend, n_jobs):
    calls = (library.delayed(sqrt)(i**2) for i in range(20))

    assert library.Parallel(n_jobs=n_jobs, backend=backend)(calls) == [*range(20)]


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_a_generator_yields_in_the_order_of_the_tasks(library, backend):
    parallel = library.Parallel(n_jobs=2, backend=backend, return_as="generator")

    assert list(parallel(library.delayed(abs)(-i) for i in range(20))) == [*range(20)]


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_an_unordered_generator_yields_everything(library, backend):
    parallel = library.Parallel(n_jobs=2, backend=backend, return_as="generator_unordered")

    assert sorted(parallel(library.delayed(abs)(-i) for i in range(20))) == [*range(20)]


def test_no_tasks_give_no_results(library):
    assert library.Parallel(n_jobs=2)([]) == []


def test_tasks_are_plain_tuples(library):
    assert library.delayed(pow)(2, 3) == (pow, (2, 3), {})
    assert library.Parallel(n_jobs=2)([(int, ("z",), {"base": 36})]) == [35]


@pytest.mark.parametrize("backend", ["loky", "threading", "sequential"])
def test_the_exception_of_a_task_is_raised_with_its_arguments(library, backend):
    calls = (library.delayed(fail_on_three)(i) for i in range(10))

    with pytest.raises(ZeroDivisionError) as caught:
        library.Parallel(n_jobs=2, backend=backend)(calls)

    assert caught.value.args == ("three", 3)


def test_processes_are_others_and_threads_are_not(library):
    def pids(backend):
        return set(
            library.Parallel(n_jobs=2, backend=backend)(library.delayed(pid)(i) for i in "ab")
        )

    assert os.getpid() not in pids("loky")
    assert pids("threading") == {os.getpid()}


def test_one_job_is_the_calling_thread(library):
    assert library.Parallel(n_jobs=1)([library.delayed(is_main_thread)(0)]) == [True]


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_calls_nest(library, backend):
    calls = (library.delayed(nested)(library, i) for i in range(3))

    powers = library.Parallel(n_jobs=2, backend=backend)(calls)

    assert powers == [[1, 0, 0], [1, 1, 1], [1, 2, 4]]


@pytest.mark.parametrize("require", [{"require": "sharedmem"}, {"prefer": "threads"}])
def test_hints_and_demands_choose_threads(library, require):
    seen = set()
    calls = (library.delayed(seen.add)(i) for i in range(5))

    library.Parallel(n_jobs=2, **require)(calls)

    assert seen == {*range(5)}


def test_a_demand_overrules_a_configured_backend(library):
    seen = set()
    with library.parallel_config(backend="loky"):
        library.Parallel(n_jobs=2, require="sharedmem")(library.delayed(seen.add)(i) for i in "ab")

    assert seen == {"a", "b"}


def test_the_configuration_holds_inside_its_block(library):
    with library.parallel_config(backend="threading", n_jobs=3):
        assert library.Parallel().n_jobs == 3
        assert library.Parallel(n_jobs=2).n_jobs == 2
        assert library.effective_n_jobs(None) == 3
    assert library.effective_n_jobs(None) == 1


def test_the_configuration_can_be_taken_back_by_hand(library):
    configuration = library.parallel_config(backend="threading", n_jobs=3)
    inside = library.effective_n_jobs(None)

    configuration.unregister()

    assert (inside, library.effective_n_jobs(None)) == (3, 1)


def test_the_older_form_takes_all_workers(library):
    with library.parallel_backend("threading") as (_, n_jobs):
        assert n_jobs == -1
        assert library.effective_n_jobs(None) == library.cpu_count()


@pytest.mark.parametrize("physical", [True, False])
def test_cpus_are_counted_alike(physical):
    ours, theirs = (
        library.cpu_count(only_physical_cores=physical) for library in (fanfold, joblib)
    )

    assert ours == theirs


@pytest.mark.parametrize("n_jobs", [1, 2, 50, -1, -2, -1000, None])
def test_effective_jobs_are_counted_alike(n_jobs):
    assert fanfold.effective_n_jobs(n_jobs) == joblib.effective_n_jobs(n_jobs)


def test_one_object_serves_many_calls(library):
    with library.Parallel(n_jobs=2) as parallel:
        first = parallel(library.delayed(abs)(-i) for i in range(3))
        second = parallel(library.delayed(abs)(-i) for i in first)

    assert second == [0, 1, 2]


def test_a_generator_must_end_before_the_next_call(library):
    parallel = library.Parallel(n_jobs=2, backend="threading", return_as="generator")
    results = parallel(library.delayed(abs)(i) for i in range(10))

    with pytest.raises(RuntimeError):
        parallel(library.delayed(abs)(i) for i in range(10))

    assert list(results) == [*range(10)]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"n_jobs": 0}, ValueError),
        ({"backend": "no-such-backend"}, ValueError),
        ({"return_as": "tuple"}, ValueError),
        ({"batch_size": 0}, ValueError),
        ({"batch_size": "large"}, ValueError),
        ({"prefer": "tea"}, ValueError),
        ({"require": "tea"}, ValueError),
        ({"backend": "loky", "require": "sharedmem"}, ValueError),
    ],
    ids=str,
)
def test_arguments_that_will_not_do_raise_the_same(library, arguments, error):
    with pytest.raises(error):
        library.Parallel(**{"n_jobs": 2, **arguments})([library.delayed(abs)(1)])


def test_a_pre_dispatch_that_is_no_expression_raises(library):
    with pytest.raises(Exception, match=r".+"):
        library.Parallel(n_jobs=2, pre_dispatch="import os")(library.delayed(abs)(i) for i in "ab")


def test_an_argument_that_cannot_be_pickled_raises_a_pickling_error(library):
    with pytest.raises((pickle.PicklingError, TypeError)):
        library.Parallel(n_jobs=2)(library.delayed(id)(threading.Lock()) for _ in range(2))


def test_an_iterator_that_raises_ends_the_call_with_its_exception(library):
    def calls():
        yield library.delayed(abs)(1)
        raise KeyError("input")

    with pytest.raises(KeyError, match="input"):
        library.Parallel(n_jobs=2, backend="threading")(calls())


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_a_task_that_takes_too_long_is_a_timeout_error(library, backend):
    with pytest.raises(multiprocessing.TimeoutError):
        library.Parallel(n_jobs=2, backend=backend, timeout=0.1)(
            library.delayed(time.sleep)(1) for _ in range(2)
        )


def test_a_worker_that_ends_is_a_broken_pool(library):
    with pytest.raises(BrokenProcessPool):
        library.Parallel(n_jobs=2)(library.delayed(end_worker)(i) for i in range(2))


def test_a_pool_serves_on_after_a_worker_has_ended(library):
    with pytest.raises(BrokenProcessPool):
        library.Parallel(n_jobs=2)(library.delayed(end_worker)(i) for i in range(2))

    assert library.Parallel(n_jobs=2)(library.delayed(abs)(-i) for i in range(3)) == [0, 1, 2]


def test_verbose_tells_how_far_it_is(library, capsys):
    library.Parallel(n_jobs=2, backend="threading", verbose=11)(
        library.delayed(abs)(i) for i in range(5)
    )

    told = capsys.readouterr()
    assert "[Parallel(n_jobs=2)]: Using backend " in told.err
    assert "Done   5 out of   5" in told.err
    assert told.out == ""


def test_very_verbose_tells_on_stdout(library, capsys):
    library.Parallel(n_jobs=2, backend="threading", verbose=51)(
        library.delayed(abs)(i) for i in range(5)
    )

    assert "Done   5 out of   5" in capsys.readouterr().out
