"""The idle workers of this process, kept from call to call."""

from __future__ import annotations

import atexit
import os
import threading
import weakref

from .handle import WorkerHandle, current_settings

__all__ = ["WorkerStock", "stock"]


class WorkerStock:
    """Lends workers to executors and keeps those that come back.

    Each worker belongs to one executor at a time, so calls from several threads do not meet.
    """

    MOST_IDLE = max(8, 2 * (os.cpu_count() or 1))

    def __init__(self) -> None:
        self._start()
        atexit.register(self.close)
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
        self._start()

    def take(self) -> WorkerHandle:
        """Return an idle worker, or a new one that is still starting.

        Raises
        ------
        fanfold.errors.BackendUnavailableError
            If a process cannot be started.
        """
        while True:
            with self._lock:
                worker = self._idle.pop() if self._idle else None
            if worker is None:
                worker = WorkerHandle()
                with self._lock:
                    self._all.add(worker)
                return worker
            if not worker.is_alive():
                worker.close()
                continue
            try:
                worker.adopt(current_settings())
            except (BrokenPipeError, ConnectionResetError):
                dismiss([worker])
                continue
            return worker

    def give_back(self, workers: list[WorkerHandle]) -> None:
        """Keep idle workers for the next call, up to `MOST_IDLE`."""
        with self._lock:
            room = max(0, self.MOST_IDLE - len(self._idle))
            self._idle += workers[:room]
        dismiss(workers[room:])

    def close(self) -> None:
        """Let the idle workers leave; they do so by themselves when their connection closes."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.hang_up()
        self._leaving = idle  # keeps their lifelines open, so that they leave in an orderly way


def dismiss(workers: list[WorkerHandle]) -> None:
    """End workers at once and wait until they are gone."""
    for worker in workers:
        worker.kill()
    for worker in workers:
        worker.close()


stock = WorkerStock()
