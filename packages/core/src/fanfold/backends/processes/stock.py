"""The idle workers of this process, kept from call to call."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from time import monotonic

from ..._interrupts import InterruptsHeld
from .handle import WorkerHandle
from .settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .life import Life
    from .segments import SegmentPool

__all__ = ["WorkerStock", "dismiss", "stock"]


class WorkerStock:
    """Lends workers to executors and keeps those that come back.

    Each worker belongs to one executor at a time, so calls from several threads do not meet.

    Attributes
    ----------
    known_segments : SegmentPool or None
        As `segments`; None as long as nobody needed any.
    """

    SECONDS_TO_LEAVE = 5.0
    MOST_IDLE = max(8, 2 * (os.cpu_count() or 1))

    def __init__(self) -> None:
        self.known_segments: SegmentPool | None = None
        self._start()
        atexit.register(self._close_at_exit)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._start_in_child)

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[WorkerHandle] = []
        self._all: weakref.WeakSet[WorkerHandle] = weakref.WeakSet()

    def _start_in_child(self) -> None:
        """Forget all workers: they belong to the parent, and so do the other ends of our copies."""
        for worker in list(self._all):
            worker.abandon()
        self.known_segments = None
        self._start()

    @property
    def segments(self) -> SegmentPool:
        """Where this process puts large buffers for its workers; they have half the budget."""
        if self.known_segments is None:
            from .budget import memory_budget
            from .segments import SegmentPool

            budget = memory_budget() // 2
            with self._lock:  # workers know segments by their number, so there must be one pool
                if self.known_segments is None:
                    self.known_segments = SegmentPool(budget)
        return self.known_segments

    def take(self, environment: Mapping[str, str], life: Life) -> WorkerHandle:
        """Return an idle worker, or a new one that is still starting.

        Parameters
        ----------
        environment : mapping
            Environment variables that it was, or is, started with beside this process's.
        life : tuple
            How long it stays without work, and how large it may become.

        Raises
        ------
        fanfold.errors.BackendUnavailableError
            If a process cannot be started.
        """
        while True:
            worker = self._take_idle(environment)
            if worker is None:
                return self.start(environment, life)
            if not worker.is_alive():
                worker.close()
                continue
            try:
                worker.adopt(Settings.current())
                worker.live(life)
            except (BrokenPipeError, ConnectionResetError):
                dismiss([worker])
                continue
            return worker

    def start(self, environment: Mapping[str, str], life: Life) -> WorkerHandle:
        """Return a new worker, which is still starting; arguments and errors as of `take`."""
        with InterruptsHeld():
            worker = WorkerHandle(environment, self)
        with self._lock:
            self._all.add(worker)
        try:
            worker.adopt(Settings.current())  # it may have been started ahead
            worker.live(life)
        except (BrokenPipeError, ConnectionResetError):
            return worker  # it is gone already: whoever sends it a batch takes note of that
        return worker

    def _take_idle(self, environment: Mapping[str, str]) -> WorkerHandle | None:
        with self._lock:
            for position in reversed(range(len(self._idle))):
                if self._idle[position].environment == environment:
                    return self._idle.pop(position)
        return None

    def give_back(self, workers: list[WorkerHandle]) -> None:
        """Keep idle workers for the next call; beyond `MOST_IDLE`, those idle longest leave."""
        with self._lock:
            self._idle += workers
            surplus = self._idle[: -self.MOST_IDLE]
            del self._idle[: len(surplus)]
        dismiss(surplus)

    def close(self) -> None:
        """Let the idle workers leave, and wait until they have; those that stay are ended."""
        idle = self._hang_up()
        deadline = monotonic() + self.SECONDS_TO_LEAVE
        for worker in idle:
            worker.wait(deadline - monotonic())
        dismiss(idle)
        if self.known_segments is not None:
            self.known_segments.clear()

    def _close_at_exit(self) -> None:
        # Not waiting for them: they leave while this process does what is left to do. Their
        # lifelines stay open that long.
        for worker in self._hang_up():
            worker.let_go()

    def _hang_up(self) -> list[WorkerHandle]:
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.hang_up()
        return idle


def dismiss(workers: list[WorkerHandle]) -> None:
    """End workers at once and wait until they are gone."""
    for worker in workers:
        worker.kill()
    for worker in workers:
        worker.close()


stock = WorkerStock()
