"""Workers that are killed, or stopped, at a chosen moment of their lives.

::

    python lost_workers.py SCENARIO ROUNDS
"""

from __future__ import annotations

import os
import signal
import threading

from fanfold import Parallel, delayed
from fanfold.errors import TaskTimeoutError, WorkerLostError
from support import (
    AN_ANSWER,
    UNREAD,
    UNSENT,
    Aside,
    announce_and_wait,
    announced,
    assert_is,
    both_workers,
    doubled,
    is_running,
    large,
    new_folder,
    outcome_of,
    remove,
    repeat,
    sockets_with,
    state,
    stop,
    wait_until,
)


def idle(number: int) -> None:
    """Between two calls; the next one begins before they are gone, or after."""
    workers = both_workers()
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    if number % 2:
        wait_until(lambda: not any(map(is_running, workers)), lambda: "SIGKILL does not end them")

    assert Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(50)) == list(range(50))


def receiving(number: int) -> None:
    """With a large argument half sent, because they were stopped before."""
    workers = both_workers()
    for pid in workers:
        stop(pid)
    call = Aside(lambda: Parallel(n_jobs=2)(delayed(doubled)(large(i)) for i in range(6)))
    wait_until(lambda: sockets_with(UNSENT) == 2, lambda: "nothing is sent")
    victim, other = workers[number % 2], workers[1 - number % 2]
    os.kill(victim, signal.SIGKILL)
    os.kill(other, signal.SIGCONT)

    for value, array in enumerate(call.outcome()):
        assert_is(array, 2 * value)


def in_a_task(number: int) -> None:
    """While one runs the third of six tasks, whose results do not come."""
    folder = new_folder()

    def task(i: int) -> int:
        if i == 3:
            announce_and_wait(folder)
        return i

    def call() -> object:
        run = Parallel(n_jobs=2, batch_size=1 + number % 2, return_as="generator_unordered")
        results.extend(run(delayed(task)(i) for i in range(6)))
        return None

    results: list[int] = []
    running = Aside(call)
    os.kill(announced(folder)[0], signal.SIGKILL)
    error = running.outcome()

    assert isinstance(error, WorkerLostError), error
    assert (error.task_index, error.exit_code) == (3, -signal.SIGKILL)
    assert len(set(results)) == len(results)
    assert set(results) <= {0, 1, 2, 4, 5}
    remove(folder)


def sending(number: int) -> None:
    """With a large result half sent, because nobody has begun to read it."""
    workers = both_workers()
    run = Parallel(n_jobs=2, return_as="generator", batch_size=1)
    stream = run(delayed(large)(i) for i in range(6))
    wait_until(lambda: sockets_with(UNREAD, AN_ANSWER) == 2, lambda: "no result is on its way")
    os.kill(workers[number % 2], signal.SIGKILL)

    arrived: list[object] = []
    error = outcome_of(lambda: arrived.extend(stream))
    if error is None:
        assert len(arrived) == 6
    else:
        # What was half sent is lost with its worker, unless it lay in memory that outlives it.
        assert isinstance(error, WorkerLostError), error
        assert len(arrived) <= error.task_index < 4, error
    for value, array in enumerate(arrived):
        assert_is(array, value)


def after_sending(number: int) -> None:
    """With whole results on their way that nobody has begun to read."""
    workers = both_workers()
    run = Parallel(n_jobs=2, return_as="generator", batch_size=1)
    stream = run(delayed(large)(i) for i in range(6))
    wait_until(lambda: sockets_with(UNREAD, AN_ANSWER) == 2, lambda: "no result is on its way")
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(map(is_running, workers)), lambda: "SIGKILL does not end them")

    arrived: list[object] = []
    error = outcome_of(lambda: arrived.extend(stream))
    assert error is None or isinstance(error, WorkerLostError), repr(error)
    assert len(arrived) >= 2, "what both workers had finished is lost"
    for value, array in enumerate(arrived):
        assert_is(array, value)


def beside_another_call(number: int) -> None:
    """While another thread's calls use workers of the same pool."""
    folder, end = new_folder(), threading.Event()

    def others_calls() -> int:
        count = 0
        while not end.is_set():
            run = Parallel(n_jobs=2)
            assert run(delayed(pow)(i, 2) for i in range(10)) == [i * i for i in range(10)]
            assert_is(run([delayed(doubled)(large(count))])[0], 2 * count)
            count += 1
        return count

    other = Aside(others_calls)
    call = Aside(lambda: Parallel(n_jobs=2)([delayed(announce_and_wait)(folder)]))
    os.kill(announced(folder)[0], signal.SIGKILL)
    error = call.outcome()
    end.set()

    assert isinstance(error, WorkerLostError), error
    assert error.task_index == 0
    assert "announce_and_wait" in str(error)
    assert isinstance(other.outcome(), int), other.outcome()
    remove(folder)


def stopped_in_a_task(number: int) -> None:
    """By SIGSTOP: it is not gone, so only a time limit ends it."""
    folder = new_folder()
    call = Aside(lambda: Parallel(n_jobs=2, timeout=0.5)([delayed(announce_and_wait)(folder)]))
    (pid,) = announced(folder)
    stop(pid)
    error = call.outcome()

    assert isinstance(error, TaskTimeoutError), error
    assert not is_running(pid)
    remove(folder)


def stopped_in_one_task_of_many(number: int) -> None:
    """By SIGSTOP: the limit of one task ends it, and the other tasks have their results."""
    folder = new_folder()
    tasks = [delayed(announce_and_wait)(folder), *(delayed(pow)(i, 2) for i in range(20))]
    call = Aside(lambda: Parallel(n_jobs=2, task_timeout=0.5, on_error="return")(tasks))
    (pid,) = announced(folder)
    stop(pid)
    results = call.outcome()

    assert isinstance(results, list), results
    assert isinstance(results[0].exception, TaskTimeoutError), results[0]
    assert results[1:] == [i * i for i in range(20)]
    assert not is_running(pid)
    remove(folder)


def stopped_while_idle(number: int) -> None:
    """By SIGSTOP between two calls: the next one gives it work that it does not begin."""
    workers = both_workers()
    for pid in workers:
        stop(pid)
    call = Aside(lambda: Parallel(n_jobs=2, timeout=0.5)(delayed(doubled)(large(i)) for i in (1,)))
    error = call.outcome()

    assert isinstance(error, TaskTimeoutError), error
    assert sum(map(is_running, workers)) == 1  # it had one task, for one of them
    for pid in filter(is_running, workers):
        os.kill(pid, signal.SIGCONT)


def paused(number: int) -> None:
    """By SIGSTOP, and then told to go on: nothing is lost, and nobody took it for dead."""
    workers = both_workers()
    paused_one = workers[number % 2]
    stop(paused_one)
    call = Aside(lambda: Parallel(n_jobs=2)(delayed(doubled)(large(i)) for i in range(6)))
    wait_until(lambda: sockets_with(UNSENT) >= 1, lambda: "nothing is sent")
    assert state(paused_one) == "T"
    os.kill(paused_one, signal.SIGCONT)

    for value, array in enumerate(call.outcome()):
        assert_is(array, 2 * value)
    assert paused_one in both_workers()


if __name__ == "__main__":
    scenarios = (
        idle,
        receiving,
        in_a_task,
        sending,
        after_sending,
        beside_another_call,
        stopped_in_a_task,
        stopped_in_one_task_of_many,
        stopped_while_idle,
        paused,
    )
    repeat({scenario.__name__: scenario for scenario in scenarios})
