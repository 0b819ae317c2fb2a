"""The first worker of a process starts while the rest of the engine is still being imported.

An interpreter takes about as long to start as all those imports, and there are CPUs for both.
"""

from __future__ import annotations

import os
from collections import deque

from ..._interrupts import InterruptsHeld
from .launch import Launched, launch
from .settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ahead"]


class _Ahead:
    """Holds the first worker until somebody leads it."""

    def __init__(self) -> None:
        self._is_due = True
        self._started: deque[tuple[Mapping[str, str], Settings, Launched]] = deque()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def start(self, environment: Mapping[str, str]) -> None:
        """Start a worker, if this is the first time.

        Parameters
        ----------
        environment : mapping
            Environment variables that it gets beside this process's.

        Raises
        ------
        fanfold.errors.BackendUnavailableError
            As :func:`fanfold.backends.processes.launch.launch` does.
        """
        if not self._is_due:
            return
        self._is_due = False  # should two threads come at once, there are two: no harm
        with InterruptsHeld():
            self._started.append((environment, Settings.current(), launch(environment)))

    def take(self, environment: Mapping[str, str]) -> tuple[Settings, Launched] | None:
        """Return the worker, once, with the settings that it has; None if there is none like it."""
        try:
            mine, settings, launched = self._started.popleft()
        except IndexError:
            return None  # so always but once
        if mine == environment:
            return settings, launched
        self._started.append((mine, settings, launched))
        return None

    def _forget(self) -> None:
        """Close a forked child's copies of what belongs to its parent."""
        while self._started:
            self._started.popleft()[2].close()


ahead = _Ahead()
