"""Single flight: of several calls that need one result at once, one computes it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fanfold import Memory
from fanfold.errors import FanfoldWarning, InvalidArgumentError

LIMIT = 60.0  # seconds, for what hangs


class Stage:
    """A function that says when it runs, and goes on when it is told to.

    How it ends is in `endings`, one for each run: an exception is raised, anything else returned.
    """

    def __init__(self, *endings: object) -> None:
        self._endings = list(endings)
        self._lock = threading.Lock()
        self.runs = 0
        self.running = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)

    def perform(self) -> object:
        with self._lock:
            ending = self._endings[min(self.runs, len(self._endings) - 1)]
            self.runs += 1
        self.running.release()
        assert self.may_end.acquire(timeout=LIMIT)
        if isinstance(ending, BaseException):
            raise ending
        return ending

    def __reduce__(self) -> str:  # to be hashed by value as an argument, and never looked into
        return "stage"


stage = Stage()


def play(number: int) -> object:
    """Perform on what is the stage of the test."""
    return stage.perform()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as executor:
        yield executor


@pytest.fixture
def set_stage(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Stage]:
    def set_it(*endings: object) -> Stage:
        new = Stage(*endings)
        monkeypatch.setattr(sys.modules[__name__], "stage", new)
        return new

    return set_it
