"""Calls of all kinds, each row of them until it is interrupted, as often as it is told to begin.

::

    python interrupted.py

A line to its standard input begins a row. It answers "begun", and once it is interrupted "ended".
"""

from __future__ import annotations

import sys
from itertools import chain, count, islice

from fanfold import Parallel, delayed
from fanfold.backends.processes import ProcessesBackend
from support import assert_is, assert_works, doubled, large, nothing_left

KINDS = 6
ROWS = 4
"""After so many the pool is closed, to see that nothing is left."""


def main() -> None:
    """Serve rows until the input ends."""
    rows = enumerate(iter(sys.stdin.readline, ""))
    while group := list(islice(rows, 1)):
        with nothing_left():
            assert_works()
            for number, _ in chain(group, islice(rows, ROWS - 1)):
                row(number)


def row(number: int) -> None:
    """Call until interrupted, with another kind of call first each time; the pool goes on."""
    try:
        print("begun", flush=True)
        for kind in count(number):
            call(kind)
    except KeyboardInterrupt:
        print("ended", flush=True)
    assert_works()


def call(kind: int) -> None:
    """Make a call, and check its results."""
    match kind % KINDS:
        case 0:
            numbers = Parallel(n_jobs=2)(delayed(pow)(i, 2) for i in range(10))
            assert numbers == [i * i for i in range(10)]
        case 1:
            for value, array in enumerate(Parallel(n_jobs=2)(delayed(large)(i) for i in range(3))):
                assert_is(array, value)
        case 2:
            run = Parallel(n_jobs=2, return_as="generator")
            for value, array in enumerate(run(delayed(doubled)(large(i)) for i in range(3))):
                assert_is(array, 2 * value)
        case 3:
            ProcessesBackend().close()  # so that workers are being started
            assert Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3]
        case 4:
            run = Parallel(n_jobs=2, return_as="generator", pre_dispatch="all")
            stream = run(delayed(abs)(-i) for i in range(50))
            assert [next(stream), next(stream)] == [0, 1]
            stream.close()
        case 5:
            run = Parallel(n_jobs=2, backend="threads")
            assert run(delayed(pow)(i, 2) for i in range(50)) == [i * i for i in range(50)]


if __name__ == "__main__":
    main()
