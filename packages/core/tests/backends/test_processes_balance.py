"""Work is shared out among workers, also when some tasks take much longer than others."""

import os
import threading
import time
from collections import Counter

import pytest
from fanfold import Parallel, delayed


def processes(n_jobs=2, **options):
    return Parallel(n_jobs=n_jobs, backend="processes", **options)


class TestBalance:
    def test_a_task_does_not_wait_behind_a_long_one(self, tmp_path):
        def task(i):
            if i == 0:
                deadline = time.monotonic() + 100
                while not (tmp_path / "7").exists():
                    assert time.monotonic() < deadline, "the others wait for this one"
                    time.sleep(0.002)
            (tmp_path / str(i)).touch()
            return i

        assert processes(batch_size=1)(delayed(task)(i) for i in range(8)) == list(range(8))

    def test_a_worker_that_is_up_runs_what_one_that_is_starting_was_sent(
        self, run_script, tmp_path
    ):
        # The first worker to come starts as always, the other not before the call has ended.
        (tmp_path / "sitecustomize.py").write_text(
            "import os, time\n"
            "if 'IN_TURN' in os.environ:\n"
            "    try:\n"
            "        open('first', 'x').close()\n"
            "    except FileExistsError:\n"
            "        given_up = time.monotonic() + 90\n"
            "        while not os.path.exists('ended') and time.monotonic() < given_up:\n"
            "            time.sleep(0.01)\n"
        )
        done = run_script(
            """
import os
from fanfold import Parallel, delayed
os.environ |= {"PYTHONPATH": os.getcwd(), "IN_TURN": "yes"}
print(Parallel(n_jobs=2, batch_size=1)(delayed(abs)(-i) for i in range(4)))
open("ended", "x").close()
"""
        )
        assert done.stdout == "[0, 1, 2, 3]\n"

    def test_quick_tasks_do_not_wait_behind_a_long_one_among_them(self, tmp_path, wait_until):
        def task(i):
            if i == 200:
                wait_until(lambda: (tmp_path / "done").exists(), "the others wait for this one")
            return i

        results = processes(batch_size=1, return_as="generator_unordered")(
            delayed(task)(i) for i in range(300)
        )
        others = [next(results) for _ in range(299)]
        (tmp_path / "done").touch()

        assert sorted(others) == [*range(200), *range(201, 300)]
        assert list(results) == [200]

    def test_each_task_runs_once(self, tmp_path):
        def task(i):
            with open(tmp_path / f"{i}-{os.getpid()}-{time.monotonic_ns()}", "x"):
                pass
            if i % 7 == 0:
                time.sleep(0.01)

        processes(n_jobs=4, batch_size=1)(delayed(task)(i) for i in range(150))
        ran = sorted(int(path.name.split("-")[0]) for path in tmp_path.iterdir())
        assert ran == list(range(150))


class TestGivingBack:
    def test_the_rest_of_a_batch_is_run_by_a_worker_with_nothing_to_do(self, tmp_path):
        def task(i):
            if i < 200:
                (tmp_path / str(os.getpid())).touch()
                if len(list(tmp_path.iterdir())) == 1:
                    time.sleep(0.03)  # time for the other worker, until it has a part
            return os.getpid()

        pids = processes(batch_size=200)(delayed(task)(i) for i in range(210))
        assert len(set(pids[:200])) == 2

    def test_each_task_runs_once(self, tmp_path):
        def task(i):
            with open(tmp_path / f"{i}-{os.getpid()}-{time.monotonic_ns()}", "x"):
                pass
            if i % 20 == 19:
                time.sleep(0.02)
            return i

        results = processes(n_jobs=3, batch_size=40)(delayed(task)(i) for i in range(240))
        assert results == list(range(240))
        ran = sorted(int(path.name.split("-")[0]) for path in tmp_path.iterdir())
        assert ran == list(range(240))


@pytest.mark.parametrize("backend", ["processes", "threads"])
def test_a_heavy_tail_is_shared_out(backend, tmp_path):
    def task(i):
        worker = f"{os.getpid()} {threading.get_ident()}"
        if i >= 600:
            (tmp_path / f"{worker} {i}").touch()
            if not is_shared_out(path.name.rpartition(" ")[0] for path in tmp_path.iterdir()):
                time.sleep(0.1)  # the work, which is heavy until it is shared out
        return worker

    def is_shared_out(workers):
        counts = Counter(workers)
        return len(counts) == 2 and min(counts.values()) >= 4

    workers = Parallel(n_jobs=2, backend=backend)(delayed(task)(i) for i in range(660))
    assert is_shared_out(workers[600:])
