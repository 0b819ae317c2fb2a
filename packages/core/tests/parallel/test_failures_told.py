"""What is told of failures: by what stands in the place of a result, and to observers."""

import os
import pickle
import threading

import pytest
from fanfold import (
    delayed,
    register_hooks,
    unregister_hooks,
)
from fanfold.contracts.hooks import hookimpl
from fanfold.errors import RemoteTaskError

from .failing import fail_at, run


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
