"""Much at once, and much one after the other.

::

    python loaded.py threads SECONDS
    python loaded.py tasks NUMBER
"""

from __future__ import annotations

import sys
import time
from typing import Any

import psutil
from fanfold import Parallel, delayed
from support import Aside, assert_is, doubled, large, nothing_left

THREADS = 8
N_ITEMS = 200_000
"""Of the arrays here: large enough to go another way than small ones."""
SPARE_MEGABYTES = 30
"""How much memory may grow after the first part; a task too many kept would take more."""


def threads(seconds: float) -> None:
    """Call from many threads, each with another number of workers."""
    with nothing_left():
        deadline = time.monotonic() + seconds
        callers = [Aside(lambda n=n: call_until(deadline, n)) for n in range(THREADS)]
        counts = [caller.outcome() for caller in callers]
        assert all(isinstance(count, int) and count > 0 for count in counts), counts


def call_until(deadline: float, caller: int) -> int:
    """Make one call after the other, and return how many it were."""
    count = 0
    while time.monotonic() < deadline:
        number = 1000 * caller + count
        run = Parallel(
            n_jobs=1 + (caller + count) % 3,
            backend="threads" if count % 5 == 4 else "processes",
            return_as="generator" if count % 3 == 2 else "list",
        )
        results = run(delayed(pow)(number, i) for i in range(30))
        assert list(results) == [number**i for i in range(30)]
        results = run(delayed(doubled)(large(number + i, N_ITEMS)) for i in range(4))
        for i, array in enumerate(results):
            assert_is(array, 2 * (number + i), N_ITEMS)
        count += 1
    return count


def tasks(number: int) -> None:
    """Stream many tiny tasks, with memory as flat at the end as after the first part."""
    with nothing_left():
        run = Parallel(n_jobs=2, return_as="generator")
        total = early = 0
        for position, result in enumerate(run(delayed(abs)(-i) for i in range(number))):
            assert result == position
            total += result
            if position == number // 5:
                early = megabytes()
        assert total == number * (number - 1) // 2
        grown = megabytes() - early
        assert grown < SPARE_MEGABYTES, f"{grown} MB more than the {early} MB of the first part"


def megabytes() -> int:
    """Return how much memory this process and its workers have to themselves."""
    me = psutil.Process()
    every: list[Any] = [me, *me.children(recursive=True)]
    return sum(one.memory_full_info().uss for one in every) >> 20


if __name__ == "__main__":
    {"threads": threads, "tasks": tasks}[sys.argv[1]](int(sys.argv[2]))
