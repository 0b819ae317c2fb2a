"""What becomes of tasks that failed is decided from plain facts: no process, no clock."""

import pytest
from fanfold import Retry
from fanfold.errors import (
    BackendUnavailableError,
    InvalidArgumentError,
    TaskTimeoutError,
    WorkerLostError,
)
from fanfold.parallel._dispatcher import Dispatcher
from fanfold.parallel._observing import Observer
from fanfold.parallel._policy import FailurePolicy
from fanfold.parallel._recovery import Recovery
from fanfold.parallel._requeue import Requeue
from fanfold.parallel._sizing import FixedSizer
from fanfold.parallel._window import Window
from fanfold.tasks.local import LocalBatch, StopFlag
from fanfold.tasks.outcomes import FailedTask, Outcome
from fanfold.tasks.terms import Terms


def batch_of(first_task, size):
    tasks = [(abs, (number,), {}) for number in range(first_task, first_task + size)]
    return LocalBatch(first_task, tasks, Terms(), None, StopFlag(), None)


def span(batch):
    return None if batch is None else (batch.first_task, batch.size)


class TestRetry:
    def test_waits_as_long_each_time(self):
        assert [Retry(3, 0.5).seconds_after(n) for n in (1, 2)] == [0.5, 0.5]

    def test_waits_as_listed_and_then_as_long_as_last(self):
        assert [Retry(9, (1, 2)).seconds_after(n) for n in (1, 2, 3, 4)] == [1, 2, 2, 2]

    def test_waits_as_a_function_says(self):
        assert [Retry(9, lambda n: 2**n).seconds_after(n) for n in (1, 2, 3)] == [2, 4, 8]

    @pytest.mark.parametrize("seconds", [-1, "1", None, True, float("nan")])
    def test_a_function_that_returns_no_seconds_is_named(self, seconds):
        with pytest.raises(InvalidArgumentError, match=r"backoff\(1\) returned"):
            Retry(1, lambda n: seconds).seconds_after(1)

    @pytest.mark.parametrize("times", [-1, 1.5, "2", True, None])
    def test_wrong_numbers_are_named(self, times):
        with pytest.raises(InvalidArgumentError, match=r"retries=.* further attempts"):
            Retry(times)

    @pytest.mark.parametrize("backoff", [-1, (), (1, -1), (1, "2"), float("inf")])
    def test_wrong_waits_are_named(self, backoff):
        with pytest.raises(InvalidArgumentError, match=r"Retry\(backoff="):
            Retry(1, backoff)

    @pytest.mark.parametrize("on", [3, ValueError("x"), (ValueError, 3), int, [ValueError]])
    def test_what_is_no_exception_type_is_named(self, on):
        with pytest.raises(InvalidArgumentError, match=r"Retry\(on="):
            Retry(1, on=on)

    def test_is_a_value(self):
        assert Retry(2, 0.5) == Retry(2, 0.5)
        assert repr(Retry(2, 0.5, OSError)) == ("Retry(times=2, backoff=0.5, on=<class 'OSError'>)")


class TestPolicy:
    def test_without_retries_a_failure_is_raised(self):
        verdict = FailurePolicy("raise", Retry(0)).judge(3, ValueError())
        assert verdict.is_raised
        assert (verdict.attempts, verdict.retry_in) == (1, None)

    def test_or_returned(self):
        verdict = FailurePolicy("return", Retry(0)).judge(3, ValueError())
        assert verdict.is_returned
        assert not verdict.is_raised

    def test_each_task_has_its_own_attempts(self):
        policy = FailurePolicy("raise", Retry(2, (1, 5)))
        assert policy.judge(3, ValueError()).retry_in == 1
        assert policy.judge(4, ValueError()).retry_in == 1
        assert policy.judge(3, ValueError()).retry_in == 5
        last = policy.judge(3, ValueError())
        assert last.is_raised
        assert last.attempts == 3

    def test_other_exceptions_are_not_tried_again(self):
        policy = FailurePolicy("raise", Retry(2, on=OSError))
        assert policy.judge(0, ValueError()).is_raised
        assert policy.judge(0, FileNotFoundError()).retry_in == 0

    @pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()])
    def test_an_exit_or_interrupt_ends_the_call_in_any_case(self, error):
        policy = FailurePolicy("return", Retry(5, on=BaseException))
        assert policy.judge(0, error).is_raised

    @pytest.mark.parametrize("error", [WorkerLostError("lost"), TaskTimeoutError("late")])
    def test_the_last_attempt_of_what_ends_workers_is_alone(self, error):
        policy = FailurePolicy("raise", Retry(2))
        assert not policy.judge(0, error).alone
        assert policy.judge(0, error).alone

    def test_the_last_attempt_of_others_is_not(self):
        assert not FailurePolicy("raise", Retry(1)).judge(0, ValueError()).alone

    @pytest.mark.parametrize(
        ("on_error", "times", "goes_on"),
        [("raise", 0, False), ("raise", 1, True), ("return", 0, True)],
    )
    def test_batches_go_on_where_a_failure_need_not_end_the_call(self, on_error, times, goes_on):
        assert FailurePolicy(on_error, Retry(times)).goes_on is goes_on


class TestRequeue:
    def test_gives_earlier_tasks_first(self):
        again = Requeue(1)
        again.add(batch_of(5, 1))
        again.add(batch_of(2, 1))
        assert [span(again.take(0, 10)) for _ in range(3)] == [(2, 1), (5, 1), None]

    def test_keeps_what_is_not_due(self):
        again = Requeue(1)
        again.add(batch_of(2, 1), due=10.0)
        again.add(batch_of(5, 1))
        assert again.next_due == 0.0
        assert span(again.take(9.9, 10)) == (5, 1)
        assert again.take(9.9, 10) is None
        assert again.next_due == 10.0
        assert span(again.take(10.0, 10)) == (2, 1)
        assert again.next_due is None

    def test_cuts_what_is_larger_than_batches_should_be(self):
        again = Requeue(1)
        again.add(batch_of(0, 5))
        assert [span(again.take(0, 2)) for _ in range(4)] == [(0, 2), (2, 2), (4, 1), None]

    def test_shares_out_what_is_left_of_a_batch(self):
        again = Requeue(2)
        again.add(batch_of(0, 40))
        assert span(again.take(0, 1000)) == (0, 20)
        assert span(again.take(0, 1000)) == (20, 10)

    def test_an_empty_batch_is_nothing(self):
        again = Requeue(1)
        again.add(batch_of(3, 0))
        assert not len(again)


class Noting(Observer):
    def __init__(self):
        self.failed = []

    def task_failed(self, index, error, verdict):
        self.failed.append((index, type(error).__name__, verdict.attempts))


class Scene:
    """One batch of tasks 0 to 7 in flight, and what is made of it."""

    def __init__(self, on_error="raise", retry=None, streaming=False):
        self.dispatcher = Dispatcher(Window(4), FixedSizer(8), keep_order=True)
        self.again = Requeue(1)
        self.observer = Noting()
        policy = FailurePolicy(on_error, retry or Retry(0))
        self.recovery = Recovery(
            policy, self.dispatcher, self.again, [self.observer], streaming=streaming
        )
        self.batch = batch_of(0, 8)
        self.dispatcher.submitted(8)

    def run_again(self):
        """Take all that is due, and return it as numbers of tasks."""
        spans = []
        while (batch := self.again.take(0, 100)) is not None:
            spans.append(range(batch.first_task, batch.first_task + batch.size))
        return [list(span) for span in spans]

    def ready(self):
        return list(self.dispatcher.ready)


class TestRecovery:
    def test_tasks_after_one_that_failed_count(self):
        scene = Scene("return")
        outcome = Outcome([0, 1, *range(3, 8)], [FailedTask(2, ValueError("two"))], 0.1)
        scene.recovery.partly(scene.batch, outcome)
        results = scene.ready()
        assert results[:2] + results[3:] == [0, 1, 3, 4, 5, 6, 7]
        assert (results[2].index, results[2].attempts) == (2, 1)
        assert scene.run_again() == []

    def test_only_those_that_failed_are_tried_again(self):
        scene = Scene(retry=Retry(1))
        failures = [FailedTask(0, ValueError()), FailedTask(7, ValueError())]
        scene.recovery.partly(scene.batch, Outcome([1, 2, 3, 4, 5, 6], failures, 0.1))
        assert scene.ready() == []
        assert scene.run_again() == [[0], [7]]
        assert scene.observer.failed == [(0, "ValueError", 1), (7, "ValueError", 1)]

    def test_what_was_not_run_is_run_elsewhere(self):
        scene = Scene()
        scene.recovery.partly(scene.batch, Outcome([0, 1, 2], [], 0.1))
        assert scene.ready() == [0, 1, 2]
        assert scene.run_again() == [[3, 4, 5, 6, 7]]

    def test_an_answer_about_nothing_ends_the_call(self):
        scene = Scene("return", Retry(5))
        scene.recovery.partly(scene.batch, Outcome([], [], 0.1))
        assert isinstance(scene.dispatcher.failure, BackendUnavailableError)
        assert "tasks 0 to 7 (abs, …)" in str(scene.dispatcher.failure)

    def test_a_lost_worker_loses_only_what_it_ran(self):
        scene = Scene("return")
        scene.recovery.lost(scene.batch, WorkerLostError("lost", task_index=3, exit_code=-9))
        assert scene.run_again() == [[0, 1, 2], [4, 5, 6, 7]]
        scene.dispatcher.settle(0, [0, 1, 2])
        failure = scene.ready()[3]
        assert (failure.index, failure.signal) == (3, "SIGKILL")

    def test_the_others_have_spent_no_attempt(self):
        scene = Scene(retry=Retry(1))
        scene.recovery.lost(scene.batch, WorkerLostError("lost", task_index=3))
        assert scene.run_again() == [[0, 1, 2], [3], [4, 5, 6, 7]]
        assert scene.observer.failed == [(3, "WorkerLostError", 1)]

    def test_the_last_attempt_is_isolated(self):
        scene = Scene(retry=Retry(1))
        scene.recovery.lost(scene.batch, WorkerLostError("lost", task_index=0))
        assert scene.again.take(0, 100).isolated
        assert not scene.again.take(0, 100).isolated

    @pytest.mark.parametrize("index", [None, 8, -1])
    def test_where_nobody_knows_which_it_was_the_halves_are_run_apart(self, index):
        scene = Scene("return")
        scene.recovery.lost(scene.batch, WorkerLostError("lost", task_index=index))
        assert scene.run_again() == [[0, 1, 2, 3], [4, 5, 6, 7]]
        assert scene.observer.failed == []

    def test_a_task_that_is_alone_is_the_one(self):
        scene = Scene("raise")
        scene.dispatcher.submitted(1)
        error = WorkerLostError("lost")
        scene.recovery.lost(batch_of(8, 1), error)
        assert scene.dispatcher.failure is error
        assert error.task_index == 8

    def test_other_errors_of_a_backend_end_the_call_in_any_case(self):
        scene = Scene("return", Retry(5))
        error = RuntimeError("the cluster is gone")
        scene.recovery.lost(scene.batch, error)
        assert scene.dispatcher.failure is error

    def test_a_stream_gives_what_was_done_before_the_end(self):
        scene = Scene(streaming=True)
        error = WorkerLostError("lost", task_index=3)
        scene.recovery.lost(scene.batch, error)
        assert scene.dispatcher.failure is None
        assert scene.dispatcher.next_size() == 0
        assert scene.run_again() == [[0, 1, 2]]
        scene.dispatcher.settle(2, [2])
        assert scene.dispatcher.failure is None
        scene.dispatcher.settle(0, [0, 1])
        assert scene.dispatcher.failure is error
        assert scene.ready() == [0, 1, 2]

    def test_a_further_loss_meanwhile_ends_it_at_once(self):
        scene = Scene(streaming=True)
        first = WorkerLostError("lost", task_index=3)
        scene.recovery.lost(scene.batch, first)
        again = scene.again.take(0, 100)
        scene.dispatcher.resubmitted(again.first_task, again.size)
        scene.recovery.lost(again, WorkerLostError("lost too", task_index=1))
        assert scene.dispatcher.failure is first
