"""How many threads numeric libraries use inside tasks: with the workers, no more than CPUs."""

import sys
import threading

import pytest
from fanfold import Parallel, cpu_count, delayed, parallel_config
from fanfold.backends.inner_threads import THREAD_VARIABLES
from fanfold.backends.sequential import SequentialBackend
from fanfold.contracts import ExecutorRequest
from fanfold.errors import FanfoldWarning, MissingExtraError

np = pytest.importorskip("numpy")
threadpoolctl = pytest.importorskip("threadpoolctl")


@pytest.fixture(autouse=True)
def nothing_laid_down(monkeypatch):
    for name in THREAD_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def openmp():
    """Load a library that uses OpenMP."""
    pytest.importorskip("sklearn.cluster")


@pytest.fixture
def four_cpus(monkeypatch):
    """Have this process count 4 CPUs, and its libraries use a thread for each."""
    monkeypatch.setattr("fanfold._cpu.counting.CpuCounter.count", lambda *_: 4)
    with threadpoolctl.threadpool_limits(4):
        yield
        assert blas_threads() == {4}


def blas_threads():
    import numpy as np
    from threadpoolctl import threadpool_info

    np.ones((2, 2)) @ np.ones((2, 2))
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


def openmp_threads():
    found = threadpoolctl.threadpool_info()
    return {each["num_threads"] for each in found if each["user_api"] == "openmp"}


def nest(backend, n_jobs):
    outer = blas_threads()
    inner = Parallel(n_jobs=n_jobs, backend=backend)([delayed(blas_threads)()] * 2)
    return outer, inner, blas_threads()


class TestThreads:
    @pytest.mark.parametrize(("n_jobs", "expected"), [(2, 2), (3, 1), (4, 1), (9, 1)])
    def test_workers_times_inner_threads_are_no_more_than_cpus(self, four_cpus, n_jobs, expected):
        limits = Parallel(n_jobs=n_jobs, backend="threads")([delayed(blas_threads)()] * 3)
        assert limits == [{expected}] * 3

    def test_nested_threads_divide_the_share(self, four_cpus):
        calls = [delayed(nest)("threads", 2)]
        assert Parallel(n_jobs=2, backend="threads")(calls) == [({2}, [{1}, {1}], {2})]

    def test_it_ends_with_a_call_that_fails(self, four_cpus):
        with pytest.raises(ZeroDivisionError):
            Parallel(n_jobs=2, backend="threads")([delayed(divmod)(1, 0)])
        assert blas_threads() == {4}

    def test_it_ends_with_the_last_of_several_calls(self, four_cpus):
        run = Parallel(n_jobs=2, backend="threads", return_as="generator")
        first, second = run([delayed(abs)(-1)]), Parallel(2, "threads", "generator")([])
        assert blas_threads() == {2}
        second.close()
        assert blas_threads() == {2}
        assert list(first) == [1]
        assert blas_threads() == {4}

    def test_a_call_may_end_in_another_thread(self, four_cpus):
        results = Parallel(n_jobs=2, backend="threads", return_as="generator")([delayed(abs)(-1)])
        consumer = threading.Thread(target=list, args=(results,))
        consumer.start()
        consumer.join()
        assert blas_threads() == {4}

    def test_what_is_lower_stays_so(self, four_cpus):
        with threadpoolctl.threadpool_limits(1):
            assert Parallel(n_jobs=2, backend="threads")([delayed(blas_threads)()]) == [{1}]

    def test_the_environment_goes_before_it(self, four_cpus, monkeypatch):
        monkeypatch.setenv("OMP_NUM_THREADS", "4")
        assert Parallel(n_jobs=2, backend="threads")([delayed(blas_threads)()]) == [{4}]

    def test_the_user_goes_before_both(self, four_cpus, monkeypatch):
        monkeypatch.setenv("OMP_NUM_THREADS", "4")
        with parallel_config(backend="threads", inner_max_num_threads=3):
            assert Parallel(n_jobs=2)([delayed(blas_threads)()] * 2) == [{3}, {3}]
            assert Parallel(n_jobs=1)([delayed(blas_threads)()] * 2) == [{3}, {3}]

    def test_openmp_is_limited_in_the_threads_that_run_tasks(self, openmp, four_cpus):
        run = Parallel(n_jobs=2, backend="threads")
        assert run([delayed(openmp_threads)()] * 2) == [{2}, {2}]
        # The threads are used again: what they were told must not last.
        with parallel_config(backend="threads", inner_max_num_threads=3):
            assert Parallel(n_jobs=2)([delayed(openmp_threads)()] * 2) == [{3}, {3}]
            assert Parallel(n_jobs=1)([delayed(openmp_threads)()] * 2) == [{3}, {3}]
        assert openmp_threads() == {4}

    def test_openmp_is_not_limited_in_the_thread_that_takes_results(self, openmp, four_cpus):
        run = Parallel(n_jobs=2, backend="threads", return_as="generator")
        results = run([delayed(openmp_threads)()])
        assert openmp_threads() == {4}
        consumed = []
        consumer = threading.Thread(target=lambda: consumed.extend(results))
        consumer.start()
        consumer.join()
        assert consumed == [{2}]
        assert openmp_threads() == {4}


class TestProcesses:
    def test_workers_times_inner_threads_are_no_more_than_cpus(self):
        share = max(1, cpu_count() // 2)
        limits = Parallel(n_jobs=2, backend="processes")([delayed(blas_threads)()] * 2)
        assert limits == [{share}] * 2

    def test_nested_threads_divide_the_share(self, run_script):
        # The workers count their own CPUs: as many as the machine is made to have.
        done = run_script(
            """
import os
import fanfold._cpu.counting
fanfold._cpu.counting.CpuCounter.count = lambda *_: 8
from fanfold import Parallel, delayed

def threads():
    import numpy
    from threadpoolctl import threadpool_info
    return [library["num_threads"] for library in threadpool_info()]

def nest():
    import fanfold._cpu.counting
    fanfold._cpu.counting.CpuCounter.count = lambda *_: 8
    outer = threads()
    inner = Parallel(n_jobs=4, backend="threads")([delayed(threads)()] * 4)
    return outer, inner, os.environ["OMP_NUM_THREADS"]

if __name__ == "__main__":
    print(*Parallel(n_jobs=2)([delayed(nest)()])[0])
"""
        )
        # OpenBLAS itself takes no more threads than the machine really has.
        own = min(4, cpu_count())
        assert done.stdout == f"[{own}] [[1], [1], [1], [1]] 4\n"


class TestWithoutThreadpoolctl:
    @pytest.fixture(autouse=True)
    def not_installed(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "threadpoolctl", None)

    def test_threads_run_as_they_are(self):
        assert Parallel(n_jobs=2, backend="threads")([delayed(abs)(-1)]) == [1]

    def test_a_limit_that_was_asked_for_names_what_is_missing(self):
        with (
            parallel_config(backend="threads", inner_max_num_threads=2),
            pytest.raises(MissingExtraError, match=r"inner_max_num_threads=2 .*fanfold\[threads\]"),
        ):
            Parallel(n_jobs=2)([delayed(abs)(-1)])

    @pytest.mark.parametrize("backend", ["processes", "sequential"])
    def test_the_calling_thread_warns_and_goes_on(self, backend):
        with parallel_config(backend=backend, inner_max_num_threads=2):
            with pytest.warns(FanfoldWarning, match="inner_max_num_threads=2 is not applied"):
                run = Parallel(n_jobs=1)
            assert run([delayed(abs)(-1)]) == [1]

    def test_the_sequential_backend_by_itself_names_what_is_missing(self):
        request = ExecutorRequest(1, inner_max_num_threads=2)
        with pytest.raises(MissingExtraError, match="needs threadpoolctl"):
            SequentialBackend().executor(request)
