"""task_timeout is for one task, whatever its batch; the call goes on as on_error says."""

import os
import signal
import socket
import threading
import time
import warnings

import pytest
from fanfold import Parallel, Retry, TaskFailure, delayed, parallel_config
from fanfold.contracts import Backend, BackendCapabilities, Batch, BoundedExecutor, resolve_n_jobs
from fanfold.errors import FanfoldWarning, TaskTimeoutError
from fanfold.tasks.running import run_batch


class Carrier(BoundedExecutor):
    """Carries batches as bytes to threads, as an engine would to other processes."""

    def start(self, batch: Batch, future):
        threading.Thread(target=lambda: future.set_result(run_batch(batch.payload))).start()

    def abort(self):
        pass


class Engine(Backend):
    """A backend that leaves the time of tasks to core."""

    name = "engine"
    capabilities = BackendCapabilities()

    def effective_n_jobs(self, n_jobs):
        return resolve_n_jobs(n_jobs, 2)

    def executor(self, request):
        return Carrier(request.n_jobs)


@pytest.fixture(params=["processes", "threads", Engine()], ids=["processes", "threads", "engine"])
def backend(request):
    return request.param


def wait_until_there(path, seconds=100):
    """Wait in small steps, so that an exception can end it."""
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, "nobody ended this task"
        time.sleep(0.005)
    return "there"


def stuck_at(path, bad, i):
    if i in bad:
        wait_until_there(path)
    return i


@pytest.fixture
def path(tmp_path):
    """A path that appears when the test is over, so that threads that are left behind end."""
    path = tmp_path / "over"
    yield path
    path.touch()


def run(backend, calls, **options):
    return list(Parallel(n_jobs=2, backend=backend, **options)(calls))


@pytest.mark.parametrize("batch_size", [1, 10, "auto"])
def test_only_the_task_that_takes_too_long_has_failed(backend, path, batch_size, with_more_time):
    def check(limit):
        calls = (delayed(stuck_at)(path, (12,), i) for i in range(30))
        results = run(backend, calls, task_timeout=limit, on_error="return", batch_size=batch_size)
        failure = results.pop(12)
        assert isinstance(failure.exception, TaskTimeoutError)
        assert isinstance(failure.exception, TimeoutError)
        assert failure.index == 12
        assert "task_timeout" in str(failure.exception)
        assert results == [i for i in range(30) if i != 12]

    with_more_time(check)


def test_a_batch_may_take_longer_than_a_task(backend, with_more_time):
    def check(limit):
        calls = [delayed(time.sleep)(limit / 10)] * 20
        assert run(backend, calls, task_timeout=limit, batch_size=20) == [None] * 20

    with_more_time(check)


def test_the_error_is_raised_where_that_is_asked_for(backend, path):
    calls = (delayed(stuck_at)(path, (2,), i) for i in range(4))
    with pytest.raises(TaskTimeoutError, match=r"task.2\b|within task_timeout") as raised:
        run(backend, calls, task_timeout=0.3)
    assert "task 2: " in str(raised.value) + "".join(getattr(raised.value, "__notes__", ()))


def test_a_stream_gives_what_was_done_before(backend, path):
    calls = (delayed(stuck_at)(path, (6,), i) for i in range(20))
    results = Parallel(
        n_jobs=2, backend=backend, task_timeout=0.3, batch_size=4, return_as="generator"
    )(calls)
    assert [next(results) for _ in range(6)] == [0, 1, 2, 3, 4, 5]
    with pytest.raises(TaskTimeoutError):
        next(results)


def test_retries_apply(backend, path, tmp_path, with_more_time):
    def stuck_once(i, was_stuck):
        if i == 3 and not was_stuck.exists():
            was_stuck.touch()
            wait_until_there(path)
        return i

    def check(limit):
        calls = [delayed(stuck_once)(i, tmp_path / f"limit {limit}") for i in range(8)]
        retry = Retry(1, on=TaskTimeoutError)
        assert run(backend, calls, task_timeout=limit, retries=retry) == list(range(8))

    with_more_time(check)


def test_more_tasks_may_be_stuck_than_there_are_workers(backend, path, with_more_time):
    def check(limit):
        calls = (delayed(stuck_at)(path, range(0, 12, 2), i) for i in range(12))
        results = run(backend, calls, task_timeout=limit / 2, on_error="return")
        assert [isinstance(result, TaskFailure) for result in results] == [True, False] * 6
        assert results[1::2] == [1, 3, 5, 7, 9, 11]

    with_more_time(check)


def test_waiting_in_the_queue_does_not_count(backend, with_more_time):
    def check(limit):
        calls = [delayed(time.sleep)(limit / 4)] * 12
        assert run(backend, calls, task_timeout=limit, batch_size=1) == [None] * 12

    with_more_time(check)


def test_can_be_configured(path):
    with parallel_config(backend="threads", n_jobs=2, task_timeout=0.2, on_error="return"):
        good, failure = Parallel()(delayed(stuck_at)(path, (1,), i) for i in range(2))
    assert good == 0
    assert isinstance(failure.exception, TaskTimeoutError)


def test_is_not_applied_in_the_calling_thread_and_says_so():
    with pytest.warns(FanfoldWarning, match="task_timeout=5 is not applied with n_jobs=1"):
        run = Parallel(n_jobs=1, task_timeout=5)
    assert run([delayed(abs)(-1)]) == [1]


def test_no_warning_where_it_is_applied():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Parallel(n_jobs=2, task_timeout=5)


class TestProcesses:
    def test_importing_the_function_does_not_count(self, tmp_path, monkeypatch):
        source = "import time; time.sleep(0.6)\ndef f(): return 1"
        (tmp_path / "slow_to_import.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)
        import slow_to_import

        assert run("processes", [delayed(slow_to_import.f)()] * 4, task_timeout=0.4) == [1] * 4

    def test_the_worker_is_ended(self, path, tmp_path, is_running):
        def note_and_wait(i):
            (tmp_path / f"pid-{os.getpid()}").touch()
            wait_until_there(path)

        (failure,) = run(
            "processes", [delayed(note_and_wait)(0)], task_timeout=0.3, on_error="return"
        )
        (pid,) = (int(found.name.removeprefix("pid-")) for found in tmp_path.glob("pid-*"))
        assert not is_running(pid)
        assert failure.worker == pid
        assert failure.exit_code == -signal.SIGKILL

    def test_also_one_that_is_stopped(self):
        def stop(i):
            os.kill(os.getpid(), signal.SIGSTOP)

        calls = [delayed(abs)(-1), delayed(stop)(1), delayed(abs)(-2)]
        one, failure, two = run("processes", calls, task_timeout=0.3, on_error="return")
        assert (one, two) == (1, 2)
        assert isinstance(failure.exception, TaskTimeoutError)

    def test_joblibs_timeout_still_ends_the_call(self, path):
        calls = [delayed(stuck_at)(path, (0,), 0)]
        with pytest.raises(TaskTimeoutError, match=r"within timeout=0\.2 seconds"):
            run("processes", calls, timeout=0.2, task_timeout=100, on_error="return")


class TestThreads:
    def test_the_thread_that_was_left_behind_runs_nothing_more_of_the_call(self, path):
        ran = []

        def task(i):
            if i == 0:
                wait_until_there(path)
                return None
            ran.append(threading.get_ident())
            if i == 20:
                path.touch()  # the thread that was left behind is free from here on
            time.sleep(0.01)
            return threading.get_ident()

        failure, *_ = run(
            "threads",
            (delayed(task)(i) for i in range(60)),
            task_timeout=0.1,
            on_error="return",
            batch_size=1,
        )
        assert isinstance(failure, TaskFailure)
        assert len(set(ran)) <= 2

    def test_what_it_ran_before_counts(self, path):
        calls = [delayed(stuck_at)(path, (3,), i) for i in range(6)]
        results = run("threads", calls, task_timeout=0.2, on_error="return", batch_size=6)
        assert [*results[:3], *results[4:]] == [0, 1, 2, 4, 5]

    def test_what_the_stuck_task_raises_later_is_nobodys_concern(self, path):
        done = threading.Event()

        def stuck_and_fail(i):
            wait_until_there(path)
            done.set()
            raise ValueError("too late")

        (failure,) = run(
            "threads", [delayed(stuck_and_fail)(0)], task_timeout=0.1, on_error="return"
        )
        path.touch()
        assert done.wait(100)
        assert isinstance(failure.exception, TaskTimeoutError)

    def test_failures_and_what_is_no_task_are_told_as_ever(self):
        calls = [delayed(abs)(-1), delayed(abs)("x")]
        one, failure = run("threads", calls, task_timeout=10, on_error="return", batch_size=2)
        assert one == 1
        assert isinstance(failure.exception, TypeError)
        with pytest.raises(TypeError, match="bad operand"):
            run("threads", calls, task_timeout=10, batch_size=2)
        with pytest.raises(TypeError, match="task 0 is 5, of type int"):
            run("threads", [5], task_timeout=10)


class TestWorkers:
    """Where the worker itself sees to the time, with an exception in the task's thread."""

    def test_one_that_may_be_elsewhere_is_named_with_its_host(self):
        class Cluster(Engine):
            capabilities = BackendCapabilities(spans_hosts=True)

        (failure,) = run(Cluster(), [delayed(abs)("x")], on_error="return")
        assert failure.worker == f"{socket.gethostname()}:{os.getpid()}"

    def test_a_task_that_catches_everything_ends_all_the_same(self, path):
        def catch_all():
            try:
                wait_until_there(path)
            except Exception:
                wait_until_there(path)

        (failure,) = run(Engine(), [delayed(catch_all)()], task_timeout=0.3, on_error="return")
        assert isinstance(failure.exception, TaskTimeoutError)

    def test_the_next_task_is_not_disturbed(self):
        def spin(seconds):
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                pass
            return seconds

        # Each ends just when its time does: some in time, some not.
        results = run(Engine(), [delayed(spin)(0.05)] * 30, task_timeout=0.05, on_error="return")
        for result in results:
            assert result == 0.05 or isinstance(result.exception, TaskTimeoutError)

    def test_a_function_that_cannot_be_rebuilt_is_told_as_ever(self, tmp_path, monkeypatch):
        (tmp_path / "only_for_a_while.py").write_text("def f(): return 1")
        monkeypatch.syspath_prepend(tmp_path)
        import only_for_a_while

        calls = [delayed(only_for_a_while.f)()]
        monkeypatch.undo()
        with pytest.raises(ModuleNotFoundError) as raised:
            run("processes", calls, task_timeout=5)
        assert "could not rebuild the function of task 0" in raised.value.__notes__[0]
