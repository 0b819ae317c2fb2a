"""on_error and retries mean the same on every backend."""

import os
import threading
import time

import numpy as np
import pytest
from fanfold import (
    Parallel,
    Retry,
    TaskFailure,
    delayed,
    parallel_config,
)
from fanfold.errors import UnencodableResultError

from .failing import fail_at, run


def works_at_attempt(folder, needed, i):
    """Fail until this has been called so often for this task."""
    attempt = len(list(folder.glob(f"{i}-*"))) + 1
    (folder / f"{i}-{attempt}").touch()
    if attempt < needed:
        raise OSError(f"attempt {attempt}")
    return i


def attempts(folder, i):
    return len(list(folder.glob(f"{i}-*")))


@pytest.fixture(params=["list", "generator", "generator_unordered"])
def return_as(request):
    return request.param


class TestReturn:
    def test_failures_take_the_place_of_results(self, backend, return_as):
        calls = (delayed(fail_at)((3, 17), i) for i in range(40))
        results = run(backend, calls, on_error="return", return_as=return_as)
        failures = [result for result in results if isinstance(result, TaskFailure)]
        assert sorted(failure.index for failure in failures) == [3, 17]
        good = [result for result in results if not isinstance(result, TaskFailure)]
        assert sorted(good) == [i for i in range(40) if i not in (3, 17)]
        if return_as != "generator_unordered":
            assert [results.index(failure) for failure in failures] == [3, 17]

    @pytest.mark.parametrize("batch_size", [1, 7, 100])
    def test_whatever_the_batches(self, backend, batch_size):
        calls = (delayed(fail_at)(range(0, 30, 3), i) for i in range(30))
        results = run(backend, calls, on_error="return", batch_size=batch_size)
        assert [i for i, result in enumerate(results) if isinstance(result, TaskFailure)] == list(
            range(0, 30, 3)
        )

    def test_says_what_went_wrong(self, backend):
        _, failure = run(
            backend, [delayed(fail_at)((), 0), delayed(fail_at)((1,), i=1)], on_error="return"
        )
        assert type(failure.exception) is ValueError
        assert str(failure.exception) == "no 1"
        assert 'raise ValueError(f"no {i}")' in failure.traceback
        assert failure.function.endswith("fail_at")
        assert failure.arguments == "(1,), i=1"
        assert failure.attempts == 1
        assert failure.exit_code is None
        assert failure.peak_memory > 1 << 20

    def test_names_the_worker(self):
        (process, _) = run("processes", [delayed(fail_at)((0,), 0)] * 2, on_error="return")
        assert isinstance(process.worker, int)
        assert process.worker != os.getpid()
        (thread, _) = run("threads", [delayed(fail_at)((0,), 0)] * 2, on_error="return")
        assert thread.worker == "fanfold-worker"
        (here, _) = run("sequential", [delayed(fail_at)((0,), 0)] * 2, on_error="return")
        assert here.worker == threading.current_thread().name

    def test_keeps_nothing_of_the_task_alive(self, backend, wait_until):
        class Tracked:
            pass

        import weakref

        kept = []

        def fail():
            tracked = Tracked()
            kept.append(weakref.ref(tracked))
            raise ValueError("no")

        results = run(backend, [delayed(fail)()] * 2, on_error="return")
        assert all(isinstance(result, TaskFailure) for result in results)
        # A thread lets go of its frames just after it has handed over what it found.
        wait_until(lambda: all(ref() is None for ref in kept), "it is kept alive")

    def test_what_cannot_be_sent_back_is_a_failure_of_its_task(self):
        calls = [delayed(abs)(-1), delayed(threading.Lock)(), delayed(abs)(-2)]
        one, failure, two = run("processes", calls, on_error="return", batch_size=3)
        assert (one, two) == (1, 2)
        assert isinstance(failure.exception, UnencodableResultError)

    def test_what_cannot_be_rebuilt_is_a_failure_of_its_task(self):
        arrays = [delayed(np.full)(20_000, n) for n in range(3)]
        calls = [arrays[0], delayed(OnlyThere)(), arrays[1], delayed(fail_at)((0,), 0), arrays[2]]
        results = run("processes", calls, on_error="return", batch_size=5)
        assert [results[n][-1] for n in (0, 2, 4)] == [0, 1, 2]
        assert "task 1" in str(results[1].exception)
        assert "no 0" in str(results[3].exception)

    def test_a_function_that_cannot_be_rebuilt_fails_its_own_tasks(self, tmp_path, monkeypatch):
        (tmp_path / "only_here.py").write_text("def f(): return 1")
        monkeypatch.syspath_prepend(tmp_path)
        import only_here

        monkeypatch.undo()
        calls = [delayed(abs)(-1), delayed(only_here.f)(), delayed(abs)(-2)]
        one, failure, two = run("processes", calls, on_error="return", batch_size=3)
        assert (one, two) == (1, 2)
        assert isinstance(failure.exception, ModuleNotFoundError)
        assert "could not rebuild the function of task 1" in failure.exception.__notes__[0]

    def test_an_argument_that_cannot_be_rebuilt_leaves_the_others_theirs(self):
        def last(array, other):
            return array[-1]

        ones = np.ones(20_000)
        calls = [delayed(last)(ones * n, OnlyThere() if n == 1 else 0) for n in range(4)]
        results = run("processes", calls, on_error="return", batch_size=4)
        assert isinstance(results[1].exception, OSError)
        assert [results[n] for n in (0, 2, 3)] == [0, 2, 3]

    def test_an_exit_of_a_task_ends_the_call_all_the_same(self, concurrent_backend):
        def leave():
            raise SystemExit(3)

        with pytest.raises(SystemExit):
            run(concurrent_backend, [delayed(leave)()] * 2, on_error="return", retries=2)

    def test_an_input_that_raises_ends_the_call_all_the_same(self, backend):
        def inputs():
            yield delayed(abs)(-1)
            raise LookupError("no more")

        with pytest.raises(LookupError):
            run(backend, inputs(), on_error="return", retries=2)

    def test_can_be_configured(self, backend):
        with parallel_config(backend=backend, n_jobs=2, on_error="return", retries=1):
            results = Parallel()(delayed(fail_at)((1,), i) for i in range(3))
        assert results[::2] == [0, 2]
        assert results[1].attempts == 2

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"on_error": "ignore"}, "on_error='ignore' is not valid: expected 'raise'"),
            ({"retries": -1}, "retries=-1"),
            ({"retries": False}, "retries=False"),
            ({"retries": "twice"}, "retries='twice'"),
            ({"task_timeout": 0}, "task_timeout=0"),
            ({"task_timeout": "1s"}, "task_timeout='1s'"),
        ],
    )
    def test_wrong_values_are_named(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            Parallel(n_jobs=2, **arguments)


class OnlyThere:
    """Can be pickled, but not rebuilt."""

    def __reduce__(self):
        return _refuse, ()


def _refuse():
    raise OSError("not here")


class TestRetries:
    def test_a_task_is_tried_again_until_it_works(self, backend, tmp_path, return_as):
        calls = (delayed(works_at_attempt)(tmp_path, 1 + i % 3, i) for i in range(12))
        results = run(backend, calls, retries=2, return_as=return_as)
        assert sorted(results) == list(range(12))
        if return_as != "generator_unordered":
            assert results == list(range(12))
        assert [attempts(tmp_path, i) for i in range(12)] == [1, 2, 3] * 4

    def test_but_no_more_often_than_that(self, backend, tmp_path):
        calls = [delayed(works_at_attempt)(tmp_path, needed, i) for i, needed in enumerate((1, 9))]
        with pytest.raises(OSError, match="attempt 3"):
            run(backend, calls, retries=2)
        assert attempts(tmp_path, 1) == 3

    def test_only_for_the_exceptions_that_are_listed(self, backend, tmp_path):
        calls = [delayed(works_at_attempt)(tmp_path, 2, 0)]
        with pytest.raises(OSError, match="attempt 1"):
            run(backend, calls, retries=Retry(5, on=(ValueError, KeyError)))
        assert run(backend, calls, retries=Retry(5, on=(OSError,))) == [0]

    def test_a_failure_tells_how_often_it_was_tried(self, backend):
        (failure,) = run(backend, [delayed(fail_at)((0,), 0)], on_error="return", retries=3)
        assert failure.attempts == 4

    def test_others_go_on_while_a_task_waits(self, concurrent_backend):
        results = Parallel(
            n_jobs=2,
            backend=concurrent_backend,
            return_as="generator_unordered",
            retries=Retry(1, backoff=1000.0),
            batch_size=1,
        )(delayed(fail_at)((0,), i) for i in range(50))
        assert sorted(next(results) for _ in range(49)) == list(range(1, 50))
        results.close()

    def test_waits_as_long_as_it_is_told(self, backend, tmp_path):
        seen = []

        def backoff(attempt):
            seen.append((attempt, threading.get_ident()))
            return 0.05

        began = time.monotonic()
        calls = [delayed(works_at_attempt)(tmp_path, 3, 0)]
        assert run(backend, calls, retries=Retry(2, backoff)) == [0]
        assert time.monotonic() - began >= 0.1
        assert seen == [(1, threading.get_ident()), (2, threading.get_ident())]

    def test_a_backoff_that_raises_ends_the_call(self, backend):
        def backoff(attempt):
            raise LookupError("no wait")

        with pytest.raises(LookupError, match="no wait"):
            run(backend, [delayed(fail_at)((0,), 0)], retries=Retry(1, backoff))

    def test_a_closed_generator_does_not_wait_for_a_retry(self, backend):
        calls = (delayed(fail_at)((1,), i) for i in range(3))
        results = Parallel(
            n_jobs=2, backend=backend, return_as="generator", retries=Retry(1, 1000.0)
        )(calls)
        assert next(results) == 0
        results.close()

    def test_arguments_are_as_they_were_where_they_are_sent(self):
        def spoil(array, i):
            total = array.sum()
            array[:] = 0
            if i == 1:
                raise ValueError(total)
            return total

        calls = (delayed(spoil)(np.ones(20_000), i) for i in range(3))
        results = run("processes", calls, on_error="return", retries=2)
        assert results[1].exception.args == (20_000.0,)
        assert results[1].attempts == 3
