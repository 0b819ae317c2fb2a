"""on_error and retries mean the same on every backend."""

import os
import pickle
import signal
import sys
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
    register_hooks,
    unregister_hooks,
)
from fanfold._memory_use import peak_memory
from fanfold.contracts.hooks import hookimpl
from fanfold.errors import RemoteTaskError, UnencodableResultError, WorkerLostError


def fail_at(bad, i):
    if i in bad:
        raise ValueError(f"no {i}")
    return i


def works_at_attempt(folder, needed, i):
    """Fail until this has been called so often for this task."""
    attempt = len(list(folder.glob(f"{i}-*"))) + 1
    (folder / f"{i}-{attempt}").touch()
    if attempt < needed:
        raise OSError(f"attempt {attempt}")
    return i


def attempts(folder, i):
    return len(list(folder.glob(f"{i}-*")))


def leave(how, i):
    if how == "exit":
        os._exit(7)
    os.kill(os.getpid(), signal.SIGKILL)


def note_and_leave_at(folder, bad, i):
    """Note the task and its worker; end the worker at these tasks."""
    (folder / f"{i}-{len(list(folder.glob(f'{i}-*'))) + 1}").write_text(str(os.getpid()))
    if i in bad:
        os._exit(3)
    return i


class Unreadable:
    """What can be pickled, and not be rebuilt."""

    def __reduce__(self):
        return int, ("no number",)


@pytest.fixture(params=["list", "generator", "generator_unordered"])
def return_as(request):
    return request.param


def run(backend, calls, **options):
    return list(Parallel(n_jobs=2, backend=backend, **options)(calls))


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


class TestLostWorkers:
    @pytest.mark.parametrize(("how", "exit_code"), [("exit", 7), ("kill", -9)])
    def test_tell_how_they_ended(self, how, exit_code):
        calls = [delayed(abs)(-1), delayed(leave)(how, 1), delayed(abs)(-2)]
        one, failure, two = run("processes", calls, on_error="return")
        assert (one, two) == (1, 2)
        assert isinstance(failure.exception, WorkerLostError)
        assert (failure.index, failure.exit_code) == (1, exit_code)
        assert failure.signal == ("SIGKILL" if exit_code < 0 else None)
        assert isinstance(failure.worker, int)
        assert f"leave({how!r}, 1)" in str(failure.exception)

    @pytest.mark.parametrize("batch_size", [1, 10, "auto"])
    def test_lose_only_what_they_ran(self, tmp_path, batch_size):
        calls = (delayed(note_and_leave_at)(tmp_path, (13, 31), i) for i in range(60))
        results = run("processes", calls, on_error="return", batch_size=batch_size)
        lost = [i for i, result in enumerate(results) if isinstance(result, TaskFailure)]
        assert lost == [13, 31]
        assert [result for result in results if not isinstance(result, TaskFailure)] == [
            i for i in range(60) if i not in lost
        ]
        assert [attempts(tmp_path, i) for i in range(60)] == [1] * 60

    def test_a_poison_task_is_alone_on_a_fresh_worker_at_last(self, tmp_path):
        calls = (delayed(note_and_leave_at)(tmp_path, (5,), i) for i in range(40))
        with pytest.raises(WorkerLostError, match=r"task 5: .*note_and_leave_at") as raised:
            run("processes", calls, retries=2, batch_size=4)
        assert raised.value.task_index == 5
        last = (tmp_path / "5-3").read_text()
        others = [path for path in tmp_path.iterdir() if path.name != "5-3"]
        assert last not in {path.read_text() for path in others}

    def test_a_task_that_ends_its_worker_once_is_tried_again(self, tmp_path):
        def leave_once(i):
            if i == 3 and not (tmp_path / "left").exists():
                (tmp_path / "left").touch()
                os._exit(1)
            return i

        calls = [delayed(leave_once)(i) for i in range(10)]
        assert run("processes", calls, retries=1) == list(range(10))

    @pytest.mark.parametrize("return_as", ["generator", "generator_unordered"])
    def test_a_stream_gives_what_was_done_before(self, return_as, tmp_path, wait_until):
        def task(i):
            if i >= 10:  # stays busy, or its worker would be given half of the other batch
                wait_until((tmp_path / "6-1").exists, "task 6 has not begun")
            return note_and_leave_at(tmp_path, (6,), i)

        results = Parallel(n_jobs=2, batch_size=10, return_as=return_as)(
            delayed(task)(i) for i in range(20)
        )
        given = set()
        with pytest.raises(WorkerLostError, match="task 6"):
            for result in results:
                given.add(result)
        assert {0, 1, 2, 3, 4, 5} <= given

    @pytest.mark.parametrize("kind", ["large", "array", "unreadable", "failed"])
    def test_what_was_not_kept_is_run_again(self, kind, tmp_path):
        make = {
            "large": lambda: "x" * 300_000,
            "array": lambda: np.zeros(20_000),
            "unreadable": Unreadable,
            "failed": lambda: 1 / 0,
        }[kind]

        def task(i):
            note_and_leave_at(tmp_path, (3,), i)
            return make() if i == 1 else i

        results = run(
            "processes", (delayed(task)(i) for i in range(6)), on_error="return", batch_size=6
        )
        assert [results[i] for i in (0, 2, 4, 5)] == [0, 2, 4, 5]
        assert [isinstance(results[i], TaskFailure) for i in (1, 3)] == [
            kind in ("unreadable", "failed"),
            True,
        ]
        assert [attempts(tmp_path, i) for i in (0, 3)] == [1, 1]

    def test_are_what_joblib_calls_terminated(self):
        from concurrent.futures.process import BrokenProcessPool

        from fanfold.errors import TerminatedWorkerError

        with pytest.raises(TerminatedWorkerError) as raised:
            run("processes", [delayed(os._exit)(1)])
        assert isinstance(raised.value, BrokenProcessPool)

    def test_every_task_may_end_its_worker(self):
        results = run("processes", [delayed(os._exit)(n) for n in range(1, 7)], on_error="return")
        assert [failure.exit_code for failure in results] == [1, 2, 3, 4, 5, 6]


class TestPeakMemory:
    def test_of_a_lost_worker_is_told(self):
        def grow_and_leave(nbytes):
            b"x" * nbytes  # written to, so that it is resident
            os._exit(1)

        nbytes = peak_memory() + (20 << 20)
        (failure,) = run("processes", [delayed(grow_and_leave)(nbytes)], on_error="return")
        assert failure.peak_memory > nbytes

    def test_is_not_told_where_it_may_be_the_parents(self):
        (failure,) = run("processes", [delayed(os._exit)(1)], on_error="return")
        assert failure.peak_memory is None

    def test_is_asked_of_the_system_where_there_is_no_proc(self, monkeypatch):
        by_file = peak_memory()
        monkeypatch.setattr("fanfold._memory_use._TELLS_BY_FILE", False)
        assert peak_memory() >= by_file // 2

    def test_is_not_known_where_the_system_does_not_tell(self, monkeypatch):
        monkeypatch.setattr("fanfold._memory_use._TELLS_BY_FILE", False)
        monkeypatch.setitem(sys.modules, "resource", None)
        assert peak_memory() is None


class NeedsLock(Exception):
    def __init__(self, text):
        super().__init__(text)
        self.lock = threading.Lock()


def fail_with_a_lock():
    raise NeedsLock("held")


class TestTaskFailure:
    @pytest.fixture
    def failure(self):
        (failure,) = run("threads", [delayed(fail_at)((0,), 0)], on_error="return", retries=1)
        return failure

    def test_shows_task_attempts_and_exception(self, failure):
        assert repr(failure) == (
            f"<TaskFailure of task 0: {fail_at.__module__}.fail_at((0,), 0) after 2 attempts: "
            "ValueError: no 0>"
        )

    def test_is_shown_as_a_table_in_notebooks(self):
        (failure,) = run("sequential", [delayed(int)("<b>")], on_error="return")
        shown = failure._repr_html_()
        assert "&lt;b&gt;" in shown
        assert "<b>" not in shown
        assert "<th>attempts</th><td>1</td>" in shown

    def test_raises_what_the_call_would_have_raised(self, failure):
        with pytest.raises(ValueError, match="no 0") as raised:
            failure.reraise()
        assert 'raise ValueError(f"no {i}")' in str(raised.value.__cause__)

    def test_can_be_pickled(self, failure):
        again = pickle.loads(pickle.dumps(failure))
        assert repr(again) == repr(failure)
        assert again.traceback == failure.traceback
        assert 'raise ValueError(f"no {i}")' in str(again.exception.__cause__)

    def test_can_be_pickled_whatever_the_exception(self):
        (failure,) = run("threads", [delayed(fail_with_a_lock)()], on_error="return")
        again = pickle.loads(pickle.dumps(failure))
        assert isinstance(again.exception, RemoteTaskError)
        assert "NeedsLock: held" in str(again.exception)

    def test_is_true_as_any_object(self, failure):
        assert failure

    def test_a_signal_without_a_name_is_told_by_its_number(self, failure):
        failure.exit_code = -1000
        assert failure.signal == "signal 1000"


class TestWhoIsTold:
    def test_observers_hear_of_each_attempt_that_failed(self, backend):
        class Listener:
            def __init__(self):
                self.heard = []

            @hookimpl
            def fanfold_task_failed(self, index, error, attempts, retry_in):
                self.heard.append((index, type(error), attempts, retry_in))

            @hookimpl
            def fanfold_batch_finished(self, n_failed):
                self.heard.append(n_failed)

        listener = Listener()
        register_hooks(listener)
        try:
            run(backend, [delayed(fail_at)((0,), 0)], on_error="return", retries=1)
        finally:
            unregister_hooks(listener)
        assert listener.heard == [(0, ValueError, 1, 0.0), 1, (0, ValueError, 2, None), 1]

    def test_observers_hear_of_each_lost_worker(self):
        heard = []

        class Listener:
            @hookimpl
            def fanfold_worker_lost(self, error):
                heard.append(error.task_index)

        listener = Listener()
        register_hooks(listener)
        try:
            run("processes", [delayed(os._exit)(1)], on_error="return", retries=1)
        finally:
            unregister_hooks(listener)
        assert heard == [0, 0]

    def test_verbose_counts_failures_and_tells_of_retries(self, backend, capsys):
        calls = (delayed(fail_at)((1,), i) for i in range(4))
        run(backend, calls, on_error="return", retries=1, verbose=1)
        said = capsys.readouterr().err
        assert "Task 1 failed (ValueError): trying again" in said
        assert "Done   4 (1 failed) out of   4" in said

    def test_progress_counts_failures(self, backend, capsys):
        calls = [delayed(fail_at)((1, 2), i) for i in range(4)]
        run(backend, calls, on_error="return", progress=True)
        assert "done 4, 2 failed, finished" in capsys.readouterr().err
