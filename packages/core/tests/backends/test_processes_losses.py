"""Workers that end when nobody expects it: what is told of that, and that work goes on."""

import atexit
import os
import select
import signal
import sys
import threading
import time

import pytest
from fanfold import Parallel, delayed
from fanfold.backends.processes import ProcessesBackend
from fanfold.backends.processes.handle import WorkerHandle
from fanfold.backends.processes.stock import WorkerStock
from fanfold.errors import BackendUnavailableError, WorkerLostError

from packages.core.tests.backends.meeting import worker_pids


def processes(n_jobs=2, **options):
    return Parallel(n_jobs=n_jobs, backend="processes", **options)


def announce_and_wait(folder):
    (folder / str(os.getpid())).touch()
    while True:
        time.sleep(1)


@pytest.fixture
def announced(tmp_path, wait_until):
    """Wait for a task to announce its worker, and return the worker's number."""

    def wait():
        wait_until(lambda: any(tmp_path.iterdir()), "no task began")
        return int(next(tmp_path.iterdir()).name)

    return wait


class TestLostWorkers:
    @pytest.mark.parametrize("n_jobs", [2, 40], ids=["few", "many"])
    def test_a_killed_worker_names_its_task_and_the_signal(self, n_jobs):
        def suicide(i):
            if i == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            return i

        with pytest.raises(
            WorkerLostError, match=r"signal 9 \(SIGKILL.*task 3: .*suicide\(3\)"
        ) as raised:
            processes(n_jobs, batch_size=2)(delayed(suicide)(i) for i in range(6))
        assert raised.value.task_index == 3
        assert raised.value.exit_code == -9
        assert worker_pids()

    def test_a_worker_killed_from_outside_names_its_task(self, tmp_path, announced):
        killer = threading.Thread(target=lambda: os.kill(announced(), signal.SIGKILL))
        killer.start()
        with pytest.raises(WorkerLostError, match=r"SIGKILL.*while it ran task [01]: "):
            processes()(delayed(announce_and_wait)(tmp_path) for _ in range(2))
        killer.join()

    def test_a_signal_without_a_name_is_told_by_its_number(self):
        number = signal.SIGRTMIN + 1
        with pytest.raises(WorkerLostError, match=rf"was ended by signal {number} \(unknown\)"):
            processes()([delayed(signal.raise_signal)(number)])

    def test_one_that_somebody_else_waited_for_is_told_without_its_exit_code(
        self, tmp_path, announced
    ):
        results = processes(return_as="generator")([delayed(announce_and_wait)(tmp_path)])
        pid = announced()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        with pytest.raises(WorkerLostError, match="process ended while it ran task 0") as raised:
            next(results)
        assert raised.value.exit_code is None

    def test_one_that_somebody_else_waited_for_between_calls_is_replaced(self):
        pids = worker_pids()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        assert not worker_pids() & pids

    def test_one_whose_child_holds_its_connection_is_told_all_the_same(self, tmp_path):
        def leave_a_child_and_die():
            child = os.fork()
            if child == 0:
                signal.pause()
            (tmp_path / str(child)).touch()
            os.kill(os.getpid(), signal.SIGKILL)

        with pytest.raises(WorkerLostError, match="SIGKILL"):
            processes()([delayed(leave_a_child_and_die)()])
        [child] = tmp_path.iterdir()
        os.kill(int(child.name), signal.SIGKILL)

    @pytest.mark.parametrize("idle_worker_timeout", [0.1, 1000], ids=["a batch", "a setting"])
    def test_one_that_is_leaving_when_it_is_sent_something_is_replaced(
        self, idle_worker_timeout, tmp_path, wait_until
    ):
        def leave_slowly():
            atexit.register(time.sleep, 1000)
            atexit.register((tmp_path / "leaves").touch)
            return os.getpid()

        ProcessesBackend().close()
        [pid] = processes(idle_worker_timeout=0.1)([delayed(leave_slowly)()])
        wait_until((tmp_path / "leaves").exists, "the worker does not leave")

        run = processes(idle_worker_timeout=idle_worker_timeout)
        assert pid not in run(delayed(os.getpid)() for _ in range(4))
        ProcessesBackend().close()

    def test_an_exit_is_told_from_a_signal(self):
        with pytest.raises(WorkerLostError, match="exit code 7") as raised:
            processes()([delayed(os._exit)(7)])
        assert raised.value.exit_code == 7

    def test_a_crash_says_so(self):
        with pytest.raises(WorkerLostError, match="SIGSEGV; an extension module crashed"):
            processes()([delayed(os.kill)(0, 0), delayed(_crash)()])

    def test_is_what_joblib_users_catch(self):
        from concurrent.futures.process import BrokenProcessPool

        with pytest.raises(BrokenProcessPool):
            processes()([delayed(os._exit)(1)])

    def test_results_from_before_are_yielded(self):
        def exit_at_five(i):
            if i == 5:
                os._exit(1)
            return i

        results = processes(return_as="generator", batch_size=1, pre_dispatch=1)(
            delayed(exit_at_five)(i) for i in range(10)
        )
        assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
        with pytest.raises(WorkerLostError, match="task 5"):
            next(results)

    def test_a_worker_that_dies_between_calls_is_replaced(self, wait_until, is_running):
        pids = worker_pids()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(map(is_running, pids)), "workers survive SIGKILL")
        assert not worker_pids() & pids

    def test_a_worker_that_dies_idle_within_a_call_is_replaced(self, wait_until, is_running):
        pids = set()

        def inputs():
            for _ in range(4):
                yield delayed(os.getpid)()

        results = processes(return_as="generator", pre_dispatch=1, batch_size=1)(inputs())
        pids.add(next(results))
        (first,) = pids
        # Nothing is in flight now; the worker is idle, and leased to this call.
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: not is_running(first), "worker survives SIGKILL")
        assert first not in set(results)

    def test_a_batch_that_no_worker_can_take_is_named(self, run_script, tmp_path):
        # Every worker may use little memory, and the argument is large.
        (tmp_path / "sitecustomize.py").write_text(
            "import resource; resource.setrlimit(resource.RLIMIT_AS, (120 << 20, 120 << 20))"
        )
        done = run_script(
            """
import os
from fanfold import Parallel, cpu_count, delayed, parallel_config
from fanfold.backends.processes import ProcessesBackend
from fanfold.backends.processes.stock import WorkerStock
from fanfold.errors import WorkerLostError
os.environ["PYTHONPATH"] = os.getcwd()
run = Parallel(n_jobs=2)
try:
    run([delayed(len)([bytearray(150 << 20)])])
except WorkerLostError as error:
    print(error)
print(run([delayed(abs)(-1)]))
"""
        )
        assert "exit code 1" in done.stdout
        assert "was about to run task 0: len(" in done.stdout
        assert done.stdout.endswith("[1]\n")
        assert "MemoryError" in done.stderr

    def test_an_interrupt_does_not_end_a_worker_that_is_starting(self, run_script, tmp_path):
        (tmp_path / "sitecustomize.py").write_text(
            "import os, signal\n"
            "if 'INTERRUPTED' in os.environ:\n    os.kill(os.getpid(), signal.SIGINT)\n"
        )
        done = run_script(
            """
import os
from fanfold import Parallel, delayed
os.environ |= {"PYTHONPATH": os.getcwd(), "INTERRUPTED": "yes"}
print(Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(4)))
"""
        )
        assert done.stdout == "[0, 1, 2, 3]\n"

    def test_a_worker_that_cannot_start_says_so(self, run_script, tmp_path):
        done = run_script(
            """
import os, sys
from fanfold import Parallel, cpu_count, delayed, parallel_config
from fanfold.backends.processes import ProcessesBackend
from fanfold.backends.processes.stock import WorkerStock
from fanfold.errors import BackendUnavailableError
sys.executable = sys.argv[1]
try:
    Parallel(n_jobs=2)([delayed(abs)(-1)])
except BackendUnavailableError as error:
    print(error)
""",
            "/bin/false",
        )
        assert "ended with exit code 1" in done.stdout
        assert "before it was ready" in done.stdout

    def test_a_worker_that_ends_before_anything_is_sent_to_it_says_so(self, monkeypatch):
        pidfd_open = os.pidfd_open

        def open_and_wait(pid):
            descriptor = pidfd_open(pid)
            select.select([descriptor], [], [])
            return descriptor

        ProcessesBackend().close()
        monkeypatch.setattr(os, "pidfd_open", open_and_wait)
        monkeypatch.setattr(sys, "executable", "/bin/false")
        with pytest.raises(BackendUnavailableError, match=r"exit code 1 .*before it was ready"):
            processes(idle_worker_timeout=7)([delayed(abs)(-1)])

    def test_an_interpreter_that_is_not_there_says_so(self, monkeypatch, note_descriptors):
        ProcessesBackend().close()
        assert_descriptors_are_back = note_descriptors()
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        with pytest.raises(BackendUnavailableError, match="'/nowhere/python'"):
            processes()([delayed(abs)(-1)])
        assert_descriptors_are_back()

    def test_a_worker_that_nobody_has_any_more_is_ended(self, is_running, note_descriptors):
        assert_descriptors_are_back = note_descriptors()
        handle = WorkerHandle({}, WorkerStock())
        pid = handle._process.pid
        assert is_running(pid)

        del handle  # as an interrupt between two steps of a call does

        assert not is_running(pid)
        assert_descriptors_are_back()


def _crash():
    import ctypes

    ctypes.string_at(0)
