"""Forks while a call is under way, and goes on in both processes.

::

    python forking.py ROUNDS
"""

from __future__ import annotations

import os
import sys
import warnings

from fanfold import Parallel, delayed
from support import (
    Aside,
    assert_is,
    assert_works,
    both_workers,
    doubled,
    is_running,
    large,
    nothing_left,
)


def main(rounds: int) -> None:
    """Fork so often."""
    # A thread is beside some forks on purpose.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    with nothing_left():
        workers = both_workers()
        for number in range(rounds):
            one_round(number)
            assert both_workers() == workers, "the child took the parent's workers with it"


def one_round(number: int) -> None:
    """Fork in the middle of a stream, and while another thread calls."""
    received = Parallel(n_jobs=2)(delayed(doubled)(large(i)) for i in range(3))
    stream = Parallel(n_jobs=2, return_as="generator")(delayed(doubled)(large(i)) for i in range(8))
    received.append(next(stream))
    beside = Aside(assert_works) if number % 2 else None

    child = os.fork()
    if child == 0:
        be_the_child(received)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert_received(received)
    for value, array in enumerate(stream, start=1):
        assert_is(array, 2 * value)
    if beside is not None:
        assert beside.outcome() is None, beside.outcome()


def be_the_child(received: list[object]) -> None:
    """Use what was received before the fork, and a pool of one's own; end as programs do."""
    assert_received(received)
    mine = both_workers()
    assert_works()
    assert_received(received)
    for array in received:
        array *= 3  # what the child does to its arrays is its own affair
    assert all(map(is_running, mine))
    sys.exit(0)


def assert_received(arrays: list[object]) -> None:
    """See that arrays from before the fork are what they were."""
    for value, array in zip((0, 1, 2, 0), arrays, strict=True):
        assert_is(array, 2 * value)


if __name__ == "__main__":
    main(int(sys.argv[1]))
