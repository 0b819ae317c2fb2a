"""The process pool: workers are reused, and leave when nobody needs them, or with their parent."""

import os
import signal
import subprocess
import sys
import threading
import time
import warnings

import pytest
from fanfold import Parallel, cpu_count, delayed, parallel_config
from fanfold.backends.processes import ProcessesBackend
from fanfold.backends.processes.stock import WorkerStock
from fanfold.contracts import ExecutorRequest
from fanfold.errors import WorkerLostError
from fanfold.testing._backend.batches import make_batch

from packages.core.tests.backends.meeting import worker_pids


def processes(n_jobs=2, **options):
    return Parallel(n_jobs=n_jobs, backend="processes", **options)


class TestReuse:
    def test_workers_serve_call_after_call(self):
        first = worker_pids()
        second = worker_pids()
        assert first & second

    def test_no_more_workers_than_jobs(self):
        pids = processes(3, batch_size=1)(delayed(os.getpid)() for _ in range(100))
        assert len(set(pids)) <= 3

    def test_as_many_workers_may_be_asked_for_as_one_likes(self):
        assert processes(1000)(delayed(abs)(-i) for i in range(3)) == [0, 1, 2]

    def test_descriptors_do_not_pile_up(self, note_descriptors):
        worker_pids()
        assert_descriptors_are_back = note_descriptors()
        for _ in range(20):
            worker_pids()
        assert_descriptors_are_back()

    def test_descriptors_of_lost_workers_are_closed(self, note_descriptors):
        worker_pids()
        assert_descriptors_are_back = note_descriptors()
        for _ in range(3):
            with pytest.raises(WorkerLostError):
                processes()([delayed(os._exit)(1)])
            worker_pids()
        assert_descriptors_are_back()

    def test_changes_of_directory_reach_workers(self, tmp_path, monkeypatch):
        worker_pids()
        monkeypatch.chdir(tmp_path)
        assert set(processes()(delayed(os.getcwd)() for _ in range(4))) == {str(tmp_path)}

    def test_changes_of_the_import_path_reach_workers(self, tmp_path, monkeypatch):
        worker_pids()
        (tmp_path / "new_on_the_path.py").write_text("def answer(): return 42")
        monkeypatch.syspath_prepend(tmp_path)
        import new_on_the_path

        assert processes()([delayed(new_on_the_path.answer)()]) == [42]

    def test_a_deleted_directory_does_not_matter(self, tmp_path, monkeypatch):
        folder = tmp_path / "gone"
        folder.mkdir()
        monkeypatch.chdir(folder)
        folder.rmdir()
        assert processes()(delayed(abs)(-i) for i in range(3)) == [0, 1, 2]

    def test_standard_input_belongs_to_the_parent(self):
        assert processes()([delayed(_read_stdin)()]) == [""]

    def test_interpreter_options_reach_workers(self):
        source = """
import sys
from fanfold import Parallel, delayed
def flags():
    return sys.flags.optimize, sys.warnoptions, "faulthandler" in sys._xoptions
print(Parallel(n_jobs=2)([delayed(flags)()]))
"""
        options = ["-O", "-W", "ignore::ResourceWarning", "-X", "faulthandler"]
        done = subprocess.run(
            [sys.executable, *options, "-c", source], capture_output=True, text=True, check=True
        )
        assert done.stdout == "[(1, ['ignore::ResourceWarning'], True)]\n"

    @pytest.mark.parametrize("name", ["stdout", "__stdout__"])
    def test_a_task_may_close_the_output(self, name):
        run = processes(n_jobs=2, batch_size=1)
        assert run([delayed(_close_output)(name), delayed(_close_output)(name)]) == [None, None]
        ProcessesBackend().close()  # what they open takes the place of what was closed
        assert worker_pids()

    def test_a_closed_executor_takes_batches_and_runs_none(self):
        backend = ProcessesBackend()
        executor = backend.executor(ExecutorRequest(n_jobs=1))
        batch = make_batch(backend, [delayed(abs)(-1)])
        executor.close()
        told = []

        executor.submit(batch).add_done_callback(told.append)

        assert told == []


def _close_output(name):
    getattr(sys, name).close()


def _read_stdin():
    return sys.stdin.read()


class TestInnerThreads:
    def limits(self, name="OPENBLAS_NUM_THREADS", n_jobs=2):
        run = processes(n_jobs, batch_size=1)
        return set(run(delayed(os.getenv)(name) for _ in range(4)))

    def test_workers_share_the_cpus(self, monkeypatch):
        monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
        assert self.limits() == {str(max(1, cpu_count() // 2))}
        assert self.limits(n_jobs=1000) == {"1"}

    def test_the_environment_goes_before_that(self, monkeypatch):
        ProcessesBackend().close()
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
        assert self.limits() == {"7"}
        ProcessesBackend().close()

    def test_libraries_heed_it(self):
        threadpoolctl = pytest.importorskip("threadpoolctl")
        pytest.importorskip("numpy")

        def threads():
            import numpy as np

            np.ones((2, 2)) @ np.ones((2, 2))
            return {pool["num_threads"] for pool in threadpoolctl.threadpool_info()}

        with parallel_config(backend="processes", inner_max_num_threads=1):
            assert Parallel(n_jobs=2)([delayed(threads)()]) == [{1}]


class TestClosing:
    def test_idle_workers_leave(self, is_running):
        pids = worker_pids()
        ProcessesBackend().close()
        assert not any(map(is_running, pids))
        assert worker_pids()

    def test_they_leave_in_an_orderly_way(self, tmp_path):
        def leave_a_note(i):
            import atexit

            atexit.register((tmp_path / str(os.getpid())).touch)
            return os.getpid()

        pids = set(processes()(delayed(leave_a_note)(i) for i in range(4)))
        ProcessesBackend().close()
        assert {int(path.name) for path in tmp_path.iterdir()} == pids

    def test_those_that_stay_are_ended(self, is_running, monkeypatch):
        def stay():
            threading.Thread(target=threading.Event().wait).start()  # keeps its process from ending
            return os.getpid()

        monkeypatch.setattr(WorkerStock, "SECONDS_TO_LEAVE", 0.2)
        (pid,) = processes()([delayed(stay)()])
        ProcessesBackend().close()
        assert not is_running(pid)

    def test_no_more_than_a_few_stay_idle(self, is_running, monkeypatch):
        ProcessesBackend().close()
        monkeypatch.setattr(WorkerStock, "MOST_IDLE", 1)
        pids = worker_pids(3)
        assert sum(map(is_running, pids)) == 1


class TestParents:
    def test_workers_leave_with_a_parent_that_ends(self, run_script, wait_until, is_running):
        done = run_script("""
import os
from fanfold import Parallel, delayed
print(*set(Parallel(n_jobs=2)(delayed(os.getpid)() for _ in range(4))))
""")
        pids = [int(pid) for pid in done.stdout.split()]
        assert pids
        wait_until(lambda: not any(map(is_running, pids)), "workers outlive their parent")

    def test_workers_die_with_a_parent_that_is_killed(self, tmp_path, wait_until, is_running):
        script = tmp_path / "parent.py"
        script.write_text(f"""
import os, time
from pathlib import Path
from fanfold import Parallel, delayed
def busy(i):
    Path({str(tmp_path)!r}, f"pid-{{os.getpid()}}").touch()
    while True:
        sum(range(1000))
Parallel(n_jobs=2)(delayed(busy)(i) for i in range(2))
""")
        parent = subprocess.Popen([sys.executable, str(script)])
        wait_until(lambda: len(list(tmp_path.glob("pid-*"))) == 2, "the tasks did not begin")
        pids = [int(path.name.removeprefix("pid-")) for path in tmp_path.glob("pid-*")]
        assert all(map(is_running, pids))
        parent.kill()
        parent.wait()
        wait_until(lambda: not any(map(is_running, pids)), "workers outlive a killed parent")

    def test_ctrl_c_ends_everything_at_once(self, tmp_path, wait_until, is_running):
        script = tmp_path / "parent.py"
        script.write_text(f"""
import os, time
from pathlib import Path
from fanfold import Parallel, delayed
def busy(i):
    Path({str(tmp_path)!r}, f"pid-{{os.getpid()}}").touch()
    while True:
        time.sleep(10)
try:
    Parallel(n_jobs=2)(delayed(busy)(i) for i in range(2))
except KeyboardInterrupt:
    print("interrupted", Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(2)))
""")
        parent = subprocess.Popen(
            [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        wait_until(lambda: len(list(tmp_path.glob("pid-*"))) == 2, "the tasks did not begin")
        pids = [int(path.name.removeprefix("pid-")) for path in tmp_path.glob("pid-*")]
        os.killpg(parent.pid, signal.SIGINT)  # as a terminal does: to workers too
        out, _ = parent.communicate(timeout=100)
        assert out == "interrupted [0, 1]\n"
        assert not any(map(is_running, pids))

    def test_a_forked_child_has_a_pool_of_its_own(self, run_script):
        done = run_script("""
import os, warnings
from fanfold import Parallel, delayed
warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
mine = set(Parallel(n_jobs=2)(delayed(os.getpid)() for _ in range(8)))
child = os.fork()
if child == 0:
    theirs = set(Parallel(n_jobs=2)(delayed(os.getpid)() for _ in range(8)))
    os._exit(0 if theirs and not theirs & mine else 1)
_, status = os.waitpid(child, 0)
again = set(Parallel(n_jobs=2)(delayed(os.getpid)() for _ in range(8)))
print(os.waitstatus_to_exitcode(status), bool(again & mine))
""")
        assert done.stdout == "0 True\n"

    def test_a_forked_child_does_not_close_what_is_not_the_pools(self, run_script):
        done = run_script("""
import os, warnings
from fanfold import Parallel, delayed
from fanfold.backends.processes.stock import stock
warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
run = Parallel(n_jobs=2)
run(delayed(abs)(i) for i in range(4))
kept = list(stock._all)  # as whoever holds a traceback may do
try:
    run([delayed(os._exit)(1)] * 2)
except Exception:
    pass
opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(40)]  # take over the freed numbers
child = os.fork()
if child == 0:
    for descriptor in opened:
        os.fstat(descriptor)
    os._exit(0)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status))
""")
        assert done.stdout == "0\n"

    def test_a_program_that_a_task_starts_can_be_interrupted(self):
        def default_action():
            code = "import signal as s; print(s.getsignal(s.SIGINT) is s.default_int_handler)"
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
            return done.stdout.strip()

        assert processes()([delayed(default_action)()]) == ["True"]


class TestTimeouts:
    def test_names_the_task_and_stops_it(self, is_running):
        ProcessesBackend().close()
        pids = worker_pids()

        with pytest.raises(TimeoutError, match=r"task (\d): .*sleep\(100\1\).*=0.5") as raised:
            processes(timeout=0.5)(delayed(time.sleep)(1000 + i) for i in range(4))
        import multiprocessing

        assert isinstance(raised.value, multiprocessing.TimeoutError)
        assert not any(map(is_running, pids))
        assert worker_pids()

    def test_waiting_in_the_queue_does_not_count(self, with_more_time):
        def check(limit):
            worker_pids()  # nor does it matter how long they take to start
            run = processes(timeout=limit, batch_size=1)
            assert run(delayed(time.sleep)(limit / 8) for _ in range(24)) == [None] * 24

        with_more_time(check)

    def test_threads_give_up_waiting(self, tmp_path):
        def wait(i):
            while not (tmp_path / "end").exists():
                time.sleep(0.01)

        try:
            with pytest.raises(TimeoutError, match=r"task 0: .*wait"):
                Parallel(n_jobs=2, backend="threads", timeout=0.1)([delayed(wait)(0)])
        finally:
            (tmp_path / "end").touch()

    def test_a_slow_consumer_does_not_make_a_timeout(self, with_more_time):
        def check(limit):
            worker_pids()
            run = processes(timeout=limit, return_as="generator")
            results = run(delayed(abs)(i) for i in range(4))
            assert next(results) == 0
            time.sleep(1.1 * limit)  # longer than any task may take
            assert list(results) == [1, 2, 3]

        with_more_time(check)

    def test_is_not_applied_in_the_calling_thread_and_says_so(self):
        with pytest.warns(UserWarning, match="timeout=5 is not applied with n_jobs=1"):
            run = Parallel(n_jobs=1, timeout=5)
        assert run([delayed(abs)(-1)]) == [1]

    def test_no_warning_where_it_is_applied(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            Parallel(n_jobs=2, timeout=5)
