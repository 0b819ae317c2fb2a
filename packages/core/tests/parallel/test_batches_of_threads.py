"""How live tasks are put into batches: what was measured before counts, and what they hold."""

import itertools
import threading

import pytest
from fanfold import Parallel, delayed
from fanfold.contracts.hooks import hookimpl
from fanfold.plugins import register_hooks, unregister_hooks


class Observer:
    """Keeps how many tasks each batch held, by its first task, and how calls ended."""

    def __init__(self):
        self.by_first = {}
        self.errors = []

    @hookimpl
    def fanfold_batch_finished(self, first_task, n_tasks):
        self.by_first[first_task] = n_tasks

    @hookimpl
    def fanfold_call_finished(self, error):
        self.errors.append(error)


@pytest.fixture
def observer():
    observer = Observer()
    register_hooks(observer)
    yield observer
    unregister_hooks(observer)


def run(tasks, **options):
    return Parallel(n_jobs=2, backend="threads", **options)(tasks)


_numbers = itertools.count()


def quick_function():
    """Return a function that no other test has run: what is remembered goes by the code."""
    name = f"quick_{next(_numbers)}"
    names = {}
    exec(f"def {name}(value):\n    return value", names)
    return names[name]


def run_until_known(function, observer):
    """Run many tasks of a function, until its first batch shows that it is known as quick.

    More than once only where the machine stands still for so long that it looks slow.
    """
    for _ in range(100):
        assert run(delayed(function)(n) for n in range(5_000)) == [
            function(n) for n in range(5_000)
        ]
        if observer.by_first[0] > 1:
            return
    pytest.fail("it still starts with one task")


def test_a_function_that_was_quick_before_starts_in_larger_batches(observer):
    quick = quick_function()
    run(delayed(quick)(n) for n in range(5_000))
    assert observer.by_first[0] == 1

    run_until_known(quick, observer)


def test_closures_of_the_same_code_are_the_same_function(observer):
    def adder(addend):
        return lambda value: value + addend

    run_until_known(adder(1), observer)
    observer.by_first.clear()
    one_and_ten = [adder(1), adder(10)]
    assert run(delayed(one_and_ten[0])(n) for n in range(10)) == list(range(1, 11))
    known = observer.by_first[0]

    assert run(delayed(one_and_ten[1])(n) for n in range(10)) == list(range(10, 20))

    assert known == 5
    assert observer.by_first[0] == known


def test_a_short_input_of_a_known_function_is_shared_out_evenly(observer):
    quick = quick_function()
    run_until_known(quick, observer)

    assert run(delayed(quick)(n) for n in range(10)) == list(range(10))

    assert observer.by_first[0] == 5


def test_an_error_of_the_input_ends_a_call_that_observers_saw_begin(observer):
    quick = quick_function()
    run(delayed(quick)(n) for n in range(5_000))

    def tasks():
        yield delayed(quick)(1)
        yield delayed(quick)(2)
        raise LookupError("no more input")

    with pytest.raises(LookupError, match="no more input") as caught:
        run(tasks())

    assert observer.errors == [None, caught.value]


def test_tasks_with_large_arguments_of_their_own_are_taken_few_at_a_time(observer):
    alive = Alive()

    run(delayed(alive.look_at)(alive.new()) for _ in range(60))
    run(delayed(alive.look_at)(alive.new()) for _ in range(60))

    assert max(observer.by_first.values()) <= 4
    assert alive.most < 40


def test_a_large_argument_that_all_tasks_are_given_does_not_count(observer):
    large = bytearray(5 << 20)

    run(delayed(len)(large) for _ in range(2_000))

    assert max(observer.by_first.values()) > 16


def test_what_is_no_task_is_refused_though_the_first_ones_are():
    quick = quick_function()
    run(delayed(quick)(n) for n in range(5_000))

    with pytest.raises(TypeError, match="task 1"):
        run([delayed(quick)(1), 5])


class Large(bytearray):
    """An argument that tells when it is gone."""

    def __init__(self, gone):
        super().__init__(5 << 20)
        self._gone = gone

    def __del__(self):
        self._gone()


class Alive:
    """Counts how many large arguments there are at once."""

    def __init__(self):
        self._lock = threading.RLock()
        self._count = self.most = 0

    def new(self):
        with self._lock:
            self._count += 1
            self.most = max(self.most, self._count)
        return Large(self._end)

    def look_at(self, large):
        return len(large)

    def _end(self):
        with self._lock:
            self._count -= 1
