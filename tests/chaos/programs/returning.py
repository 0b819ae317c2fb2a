"""Many calls of a kind, after which no more is held than after the first few.

::

    python returning.py KIND NUMBER
"""

from __future__ import annotations

import os
import sys

import numpy as np
from fanfold import Parallel, delayed
from fanfold.errors import WorkerLostError
from support import Census, assert_is, both_workers, doubled, expect, large, nothing_left

N_ITEMS = 150_000
"""Of large arrays: more than the default of ``max_nbytes``, and little enough for so many calls."""
POOLED = 12
"""How many more pieces of memory may be kept for later calls; one for each call would be many."""


def small() -> None:
    """Send and return small things."""
    assert Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3]


def arrays() -> None:
    """Send and return large arrays."""
    (array,) = Parallel(n_jobs=2)([delayed(doubled)(large(3, N_ITEMS))])
    assert_is(array, 6, N_ITEMS)


def kept_arrays() -> None:
    """Keep results for some calls, and let go of them in another order than they came."""
    kept[np.random.randint(8)] = Parallel(n_jobs=2)([delayed(large)(1, N_ITEMS)])[0]
    for array in kept.values():
        assert_is(array, 1, N_ITEMS)


def streams() -> None:
    """Leave streams before their end."""
    stream = Parallel(n_jobs=2, return_as="generator")(delayed(abs)(-i) for i in range(10))
    assert next(stream) == 0
    stream.close()


def errors() -> None:
    """Have a task raise, beside large arrays."""
    try:
        Parallel(n_jobs=2)([delayed(doubled)(large(3, N_ITEMS)), delayed(divmod)(1, 0)])
    except ZeroDivisionError:
        return
    raise AssertionError("the error of the task did not come")


def lost_workers() -> None:
    """Have a task end its worker, beside large arrays."""
    try:
        Parallel(n_jobs=2)([delayed(doubled)(large(3, N_ITEMS)), delayed(os._exit)(1)])
    except WorkerLostError:
        return
    raise AssertionError("the loss of the worker was not told")


kept: dict[int, object] = {}
KINDS = (small, arrays, kept_arrays, streams, errors, lost_workers)


def main() -> None:
    """Make some calls, count, make many, and count again."""
    (call,) = (kind for kind in KINDS if kind.__name__ == sys.argv[1])
    calls = int(sys.argv[2])
    with nothing_left():
        for _ in range(5):
            call()
        both_workers()
        warm = Census.take()
        for _ in range(calls):
            call()
        both_workers()
        expect(warm, pooled=POOLED)
        kept.clear()


if __name__ == "__main__":
    main()
