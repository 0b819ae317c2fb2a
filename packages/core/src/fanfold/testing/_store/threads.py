"""Threads that do something at the same time, and of which one may fail."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["side_by_side"]

T = TypeVar("T")


def side_by_side(count: int, work: Callable[[int, Callable[[], object]], T]) -> list[T]:
    """Run `work` in several threads and return what each of them returned.

    The first failure ends the threads that wait for each other, and is raised.

    Parameters
    ----------
    count : int
        How many threads.
    work : callable
        Takes the number of its thread, and a function that waits until all threads call it.
    """
    barrier = threading.Barrier(count)
    failures: list[BaseException] = []

    def run(number: int) -> T:
        try:
            return work(number, barrier.wait)
        except BaseException as failure:
            failures.append(failure)
            barrier.abort()
            raise

    with ThreadPoolExecutor(count) as threads:
        running = [threads.submit(run, number) for number in range(count)]
    if failures:
        raise failures[0]
    return [one.result() for one in running]
