"""Ways to wait, each for threads and for the tasks of an event loop; and how to go through a plan.

A plan is a generator that yields what is to be waited for, so that one text says what synchronous
and asynchronous functions do.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ._underway import Flight


class Wait(Protocol):
    """Something to wait for."""

    def block(self) -> None:
        """Wait in this thread."""

    async def pause(self) -> None:
        """Wait in this task of asyncio's event loop."""


class UntilOver:
    """Waits for the end of a computation in this process."""

    def __init__(self, flight: Flight) -> None:
        self._flight = flight

    def block(self) -> None:
        """Wait in this thread."""
        gate = Lock()
        gate.acquire()
        self._flight.when_over(gate.release)
        gate.acquire()

    async def pause(self) -> None:
        """Wait in this task."""
        import asyncio

        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._flight.when_over(lambda: _wake(loop, future))
        await future


class UntilLocked:
    """Waits for a lock of a store.

    Parameters
    ----------
    lock : callable
        Waits for the lock, and returns what gives it back.

    Attributes
    ----------
    release : callable or None
        Gives the lock back, once it is there.
    """

    def __init__(self, lock: Callable[[], Callable[[], None] | None]) -> None:
        self._lock = lock
        self.release: Callable[[], None] | None = None

    def block(self) -> None:
        """Wait in this thread."""
        self.release = self._lock()

    async def pause(self) -> None:
        """Wait in a thread of its own, since the event loop's has other things to do."""
        import asyncio

        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        grant = _Grant(self._lock)

        def wait() -> None:
            grant.obtain()
            _wake(loop, future)

        # Who waits may be cancelled; the system call may not, and must not hold up the exit.
        Thread(target=wait, name="fanfold-waiting", daemon=True).start()
        try:
            await future
        except BaseException:
            grant.decline()
            raise
        self.release = grant.taken()


class _Grant:
    """A lock that a thread waits for, on behalf of somebody who may not want it any more."""

    def __init__(self, lock: Callable[[], Callable[[], None] | None]) -> None:
        self._obtain = lock
        self._mutex = Lock()
        self._is_wanted = True
        self._release: Callable[[], None] | None = None
        self._error: Exception | None = None

    def obtain(self) -> None:
        """Wait for the lock."""
        try:
            release = self._obtain()
        except Exception as error:  # noqa: BLE001  raised where it is waited for
            self._error = error
            return
        with self._mutex:
            self._release = release
            is_wanted = self._is_wanted
        if not is_wanted and release is not None:
            release()

    def decline(self) -> None:
        """Give the lock back, now or as soon as it is there."""
        with self._mutex:
            self._is_wanted = False
            release = self._release
        if release is not None:
            release()

    def taken(self) -> Callable[[], None] | None:
        """Return what gives the lock back, or raise what came in its place."""
        if self._error is not None:
            raise self._error
        return self._release


class Pause:
    """Waits for a time.

    Parameters
    ----------
    seconds : float
        How long.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def block(self) -> None:
        """Wait in this thread."""
        time.sleep(self._seconds)

    async def pause(self) -> None:
        """Wait in this task."""
        import asyncio

        await asyncio.sleep(self._seconds)


def run_plan(plan: Generator[Wait, None, None]) -> None:
    """Go through a plan in this thread."""
    try:
        wait = next(plan)
        while True:
            try:
                wait.block()
            except BaseException as error:  # noqa: BLE001  the plan raises it again
                wait = plan.throw(error)
            else:
                wait = next(plan)
    except StopIteration:
        return


async def run_plan_async(plan: Generator[Wait, None, None]) -> None:
    """Go through a plan in this task.

    Under another framework than asyncio nothing can be waited for: there the plan ends early.
    """
    try:
        wait = next(plan)
        while True:
            if not _is_in_asyncio():
                plan.close()
                return
            try:
                await wait.pause()
            except BaseException as error:  # noqa: BLE001  the plan raises it again
                wait = plan.throw(error)
            else:
                wait = next(plan)
    except StopIteration:
        return


def _is_in_asyncio() -> bool:
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _wake(loop: Any, future: Any) -> None:
    """Complete a future from any thread."""

    def complete() -> None:
        if not future.done():
            future.set_result(None)

    with suppress(RuntimeError):  # the loop was closed, and nobody waits any more
        loop.call_soon_threadsafe(complete)
