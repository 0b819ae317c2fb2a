"""on_error and retries where a task ends its worker."""

import os
import sys

import numpy as np
import pytest
from fanfold import (
    Parallel,
    TaskFailure,
    delayed,
)
from fanfold._memory_use import peak_memory
from fanfold.errors import WorkerLostError

from .failing import leave, run


def attempts(folder, i):
    return len(list(folder.glob(f"{i}-*")))


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
