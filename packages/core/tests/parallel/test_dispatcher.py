"""The dispatcher decides from plain facts: no process, no thread, no clock."""

import pytest
from fanfold.parallel._dispatcher import Dispatcher
from fanfold.parallel._sizing import Durations, FixedSizer, GrowingSizer
from fanfold.parallel._window import Window
from fanfold.tasks.outcomes import FailedTask, Outcome
from fanfold.tasks.terms import BATCH_SECONDS


def make(in_flight=4, unread=None, held=None, size=1, keep_order=True):
    return Dispatcher(
        Window(in_flight, unread=unread, held=held), FixedSizer(size), keep_order=keep_order
    )


def submit_all(dispatcher):
    first_tasks = []
    while size := dispatcher.next_size():
        first_tasks.append(dispatcher.submitted(size))
    return first_tasks


def done(*results, seconds=0.01):
    return Outcome(list(results), (), seconds)


def test_submits_until_the_window_is_full():
    dispatcher = make(in_flight=3)
    assert submit_all(dispatcher) == [0, 1, 2]


def test_a_completion_makes_room_for_one_more():
    dispatcher = make(in_flight=2)
    submit_all(dispatcher)
    dispatcher.completed(0, done("a"))
    assert submit_all(dispatcher) == [2]


def test_quick_batches_make_room_for_more_and_a_slow_one_takes_it_back():
    dispatcher = Dispatcher(Window(2, in_flight_if_quick=5), FixedSizer(1), keep_order=True)
    assert submit_all(dispatcher) == [0, 1]
    dispatcher.completed(0, done("a", seconds=0.0))
    assert submit_all(dispatcher) == [2, 3, 4, 5]
    dispatcher.completed(1, done("b", seconds=1.0))
    assert submit_all(dispatcher) == []
    for first_task in (2, 3):
        dispatcher.completed(first_task, done("c", seconds=1.0))
    assert submit_all(dispatcher) == []
    dispatcher.completed(4, done("d", seconds=1.0))
    assert submit_all(dispatcher) == [6]


def test_results_come_in_the_order_of_submission():
    dispatcher = make()
    submit_all(dispatcher)
    dispatcher.completed(2, done("c"))
    dispatcher.completed(0, done("a"))
    assert list(dispatcher.ready) == ["a"]
    dispatcher.completed(1, done("b"))
    assert list(dispatcher.ready) == ["a", "b", "c"]


def test_results_come_as_they_are_done_where_order_does_not_matter():
    dispatcher = make(keep_order=False)
    submit_all(dispatcher)
    dispatcher.completed(2, done("c"))
    dispatcher.completed(0, done("a"))
    assert list(dispatcher.ready) == ["c", "a"]


def test_nothing_is_submitted_after_the_end_of_the_input():
    dispatcher = make()
    dispatcher.end_of_input()
    assert dispatcher.next_size() == 0


def test_is_finished_when_the_input_has_ended_and_nothing_is_in_flight():
    dispatcher = make(in_flight=1)
    (number,) = submit_all(dispatcher)
    dispatcher.end_of_input()
    assert not dispatcher.finished
    dispatcher.completed(number, done("a"))
    assert dispatcher.finished


def test_a_failure_stops_submission_and_keeps_what_was_done_before_it():
    dispatcher = make(size=3)
    submit_all(dispatcher)
    failure = ValueError("second task")
    dispatcher.partly_completed(0, Outcome(["a"], [FailedTask(1, failure)], 0.01))
    dispatcher.settle(0, ["a"])
    dispatcher.fail(failure)
    assert dispatcher.next_size() == 0
    assert not dispatcher.has_room
    assert list(dispatcher.ready) == ["a"]
    assert dispatcher.failure is failure
    assert not dispatcher.finished


def test_nothing_comes_in_order_after_a_task_that_is_not_settled():
    dispatcher = make()
    submit_all(dispatcher)
    dispatcher.completed(1, done("b"))
    assert list(dispatcher.ready) == []


def test_the_first_failure_counts():
    dispatcher = make()
    first = ValueError("first")
    dispatcher.fail(first)
    dispatcher.fail(ValueError("second"))
    assert dispatcher.take_failure() is first


def test_a_batch_may_be_settled_in_part_and_the_rest_be_run_again():
    dispatcher = make(in_flight=1, size=4)
    submit_all(dispatcher)
    dispatcher.end_of_input()
    dispatcher.partly_completed(0, Outcome(["a", "d"], [FailedTask(1, ValueError())], 0.01))
    dispatcher.settle(0, ["a"])
    dispatcher.settle(3, ["d"])
    assert list(dispatcher.ready) == ["a"]
    assert not dispatcher.finished
    dispatcher.resubmitted(1, 2)
    assert not dispatcher.has_room
    dispatcher.completed(1, done("b", "c"))
    assert list(dispatcher.ready) == ["a", "b", "c", "d"]
    assert dispatcher.finished


def test_what_is_run_again_needs_room_and_is_not_new():
    dispatcher = make(in_flight=2)
    submit_all(dispatcher)
    dispatcher.dropped(0)
    assert dispatcher.has_room
    dispatcher.resubmitted(0, 1)
    assert not dispatcher.has_room
    assert dispatcher.submitted_tasks == 2


def test_a_dropped_batch_is_not_done():
    dispatcher = make(in_flight=1)
    submit_all(dispatcher)
    dispatcher.end_of_input()
    dispatcher.dropped(0)
    assert not dispatcher.finished


def test_unread_results_stop_the_producers():
    dispatcher = make(in_flight=10, unread=2)
    first, second = submit_all(dispatcher)
    dispatcher.completed(first, done("a"))
    dispatcher.completed(second, done("b"))
    assert dispatcher.next_size() == 0
    assert dispatcher.take() == "a"
    assert submit_all(dispatcher) == [2]


def test_batches_are_cut_to_the_room_that_unread_results_leave():
    dispatcher = make(in_flight=10, unread=5, size=3)
    assert dispatcher.next_size() == 3
    dispatcher.submitted(3)
    assert dispatcher.next_size() == 2


def test_results_that_wait_for_an_earlier_one_are_bounded():
    dispatcher = make(in_flight=2, held=3)
    slow, *_ = submit_all(dispatcher)
    for number in (1, 2, 3):
        dispatcher.completed(number, done(number))
        submit_all(dispatcher)
    assert dispatcher.submitted_tasks == 4
    dispatcher.completed(slow, done(slow))
    assert list(dispatcher.ready) == [0, 1, 2, 3]
    assert dispatcher.next_size() == 1


def test_counts_tasks():
    dispatcher = make(size=2, in_flight=2)
    submit_all(dispatcher)
    dispatcher.completed(2, done("c", "d"))
    assert (dispatcher.submitted_tasks, dispatcher.completed_tasks) == (4, 2)


def test_large_results_keep_batches_small():
    dispatcher = Dispatcher(Window(4), GrowingSizer(), keep_order=True)
    dispatcher.submitted(1)
    dispatcher.completed(0, Outcome(["large"], (), 1e-6, nbytes=4 << 20))
    assert dispatcher.next_size() == 2


def test_take_all_makes_room():
    dispatcher = make(in_flight=4, unread=1)
    (number,) = submit_all(dispatcher)
    dispatcher.completed(number, done("a"))
    assert dispatcher.take_all() == ["a"]
    assert dispatcher.next_size() == 1


class TestGrowingSizer:
    def test_begins_with_one_task(self):
        assert GrowingSizer().size == 1

    def test_grows_at_most_fourfold(self):
        sizer = GrowingSizer()
        sizer.measured(1, 1e-9, 10)
        assert sizer.size == 4

    def test_aims_at_half_of_what_a_batch_may_take(self):
        sizer = GrowingSizer()
        for _ in range(10):
            sizer.measured(sizer.size, sizer.size * 0.001, 0)
        assert sizer.size == BATCH_SECONDS / 2 / 0.001

    def test_a_batch_that_gave_its_last_tasks_back_halves_the_size(self):
        sizer = GrowingSizer()
        sizer.size = 64
        sizer.ended_early(40, BATCH_SECONDS)
        assert sizer.size == 20

    def test_long_tasks_at_the_end_of_a_batch_are_sent_one_by_one(self):
        sizer = GrowingSizer()
        sizer.size = 500
        sizer.ended_early(1, 2 * BATCH_SECONDS)
        assert sizer.size == 1

    def test_what_another_worker_asked_back_says_nothing_about_the_size(self):
        sizer = GrowingSizer()
        sizer.size = 64
        sizer.ended_early(3, 3e-6)
        assert sizer.size == 64

    def test_shrinks_at_once_when_tasks_take_longer(self):
        sizer = GrowingSizer()
        sizer.size = 1000
        sizer.measured(1000, 100.0, 0)
        assert sizer.size == 1

    def test_long_tasks_go_one_by_one(self):
        sizer = GrowingSizer()
        sizer.measured(1, 5.0, 0)
        assert sizer.size == 1

    def test_small_batches_from_before_the_last_growth_do_not_make_it_grow_again(self):
        sizer = GrowingSizer()
        sizer.size = 16
        sizer.measured(4, 1e-6, 0)
        assert sizer.size == 16

    def test_the_bytes_of_a_batch_are_bounded(self):
        sizer = GrowingSizer()
        for _ in range(10):
            sizer.measured(sizer.size, 1e-9, sizer.size << 20)
        assert sizer.size == GrowingSizer.MOST_BYTES >> 20

    def test_tasks_that_take_no_time_at_all_let_it_grow(self):
        sizer = GrowingSizer()
        sizer.measured(1, 0.0, 0)
        assert sizer.size == 4

    def test_a_batch_that_ran_nothing_changes_nothing(self):
        sizer = GrowingSizer()
        sizer.size = 64
        sizer.measured(0, 0.0, 0)
        assert sizer.size == 64


def test_a_fixed_size_stays():
    sizer = FixedSizer(7)
    sizer.measured(7, 100.0, 1 << 40)
    sizer.ended_early(1, 100.0)
    assert sizer.size == 7


class TestWindow:
    def of(self, pre_dispatch, n_jobs=2, streaming=False, one_at_a_time=False, **options):
        return Window.of(
            pre_dispatch, n_jobs, streaming=streaming, one_at_a_time=one_at_a_time, **options
        )

    def test_default_is_two_batches_for_each_job(self):
        window = self.of("2 * n_jobs", n_jobs=3)
        assert (window.in_flight, window.unread) == (6, None)

    @pytest.mark.parametrize("default", ["2 * n_jobs", "2*n_jobs"])
    def test_default_counts_batches_when_streaming_too(self, default):
        assert self.of(default, streaming=True).unread is None

    def test_own_value_counts_unread_tasks_when_streaming(self):
        assert self.of(3, streaming=True).unread == 3

    def test_own_value_counts_batches_for_a_list(self):
        window = self.of("3 * n_jobs")
        assert (window.in_flight, window.unread) == (6, None)

    def test_streams_bound_what_waits_for_an_earlier_result(self):
        assert self.of(3, streaming=True).held == 3 * Window.HELD_PER_IN_FLIGHT
        assert self.of(3).held is None

    def test_a_loop_is_one_task_ahead_of_its_consumer(self):
        window = Window.of_loop(streaming=True)
        assert (window.in_flight, window.unread) == (1, 1)

    def test_all_does_not_bound_what_is_unread(self):
        assert self.of("all", streaming=True).unread is None

    def test_one_at_a_time_submits_only_what_can_run(self):
        assert self.of("10 * n_jobs", one_at_a_time=True).in_flight == 2

    def test_more_fixed_batches_are_in_flight_while_they_are_quick_and_small(self):
        window = self.of("2 * n_jobs", fixed_batches=True)
        assert window.in_flight_after(0.0, 0) == 4 * window.QUICK_FACTOR
        assert window.in_flight_after(window.QUICK_SECONDS, 0) == 4
        assert window.in_flight_after(0.0, window.QUICK_BYTES) == 4

    @pytest.mark.parametrize(
        ("pre_dispatch", "options"),
        [
            (4, {"fixed_batches": True}),
            ("2 * n_jobs", {"fixed_batches": True, "one_at_a_time": True}),
            ("2 * n_jobs", {"fixed_batches": False}),
        ],
        ids=["own value", "timeout", "free size"],
    )
    def test_otherwise_being_quick_changes_nothing(self, pre_dispatch, options):
        window = self.of(pre_dispatch, **options)
        assert window.in_flight_after(0.0, 0) == window.in_flight


class TestDurations:
    def test_what_is_not_known_begins_with_one_task(self):
        assert Durations().first_size(b"f") == 1

    def test_quick_functions_begin_with_several_tasks(self):
        durations = Durations()
        durations.remember(b"f", 1, Durations.FIRST_SECONDS / 10)
        assert durations.first_size(b"f") == 10
        assert durations.first_size(b"g") == 1

    def test_first_batches_are_bounded(self):
        durations = Durations()
        durations.remember(b"f", 1, 0.0)
        assert durations.first_size(b"f") == Durations.MOST_FIRST

    def test_slow_functions_begin_with_one_task(self):
        durations = Durations()
        durations.remember(b"f", 1, 10.0)
        assert durations.first_size(b"f") == 1

    def test_a_short_call_in_which_the_machine_stood_still_counts_little(self):
        durations = Durations()
        durations.remember(b"f", 5_000, 0.01)
        durations.remember(b"f", 10, 0.1)
        assert durations.first_size(b"f") >= 10

    def test_functions_that_have_become_slow_begin_with_one_task(self):
        durations = Durations()
        durations.remember(b"f", 5_000, 0.01)
        durations.remember(b"f", 10, 10.0)
        assert durations.first_size(b"f") == 1

    def test_only_so_many_are_remembered(self):
        durations = Durations()
        for i in range(Durations.MOST_REMEMBERED + 1):
            durations.remember(i.to_bytes(4), 1, 1e-6)
        assert durations.first_size((0).to_bytes(4)) == 1
        assert durations.first_size(Durations.MOST_REMEMBERED.to_bytes(4)) > 1
