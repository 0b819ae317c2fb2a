"""Checks of what travels beside the tasks: to them, and from them to the caller."""

from __future__ import annotations

import logging
import os
import secrets
import warnings
from contextvars import copy_context
from typing import TYPE_CHECKING

import pytest

from ...errors import InitializerError
from ...parallel import Parallel, delayed
from . import tasks
from .base import BackendChecks

if TYPE_CHECKING:
    from ...contracts.backend import Backend

__all__ = ["TravelChecks"]

_LOGGER = "fanfold_testing"


class TravelChecks(BackendChecks):
    """Context variables, initializers, warnings and log records."""

    def test_context_variables_come_to_the_tasks(self, backend: Backend) -> None:
        word = secrets.token_hex()

        def call() -> list[str]:
            tasks.request_id.set(word)
            seen: list[str] = Parallel(n_jobs=2, backend=backend)([delayed(tasks.seen_request)()])
            return seen

        assert self.within(lambda: copy_context().run(call)) == [word]

    def test_an_initializer_runs_before_the_first_task_and_not_for_each(
        self, backend: Backend
    ) -> None:
        word = secrets.token_hex()
        options = {"initializer": tasks.get_ready, "initargs": (word,), "batch_size": 1}

        times = self.call(backend, [delayed(tasks.times_ready)(word)] * 6, **options)

        # Two workers of one process each run it there.
        assert set(times) <= ({1} if self.is_apart(backend) else {1, 2})

    def test_an_initializer_that_fails_is_named(self, backend: Backend) -> None:
        with pytest.raises(InitializerError, match=r"fail\('no'\) raised ValueError: no"):
            self.call(backend, [delayed(tasks.add)(1)], initializer=tasks.fail, initargs=("no",))

        self.check_usable(backend)

    def test_warnings_come_to_the_caller(self, backend: Backend) -> None:
        calls = [delayed(tasks.warn)("careful")] * 6

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.call(backend, calls, batch_size=2)

        told = [str(one.message) for one in caught if one.filename == tasks.__file__]
        assert told == ["careful"] * 6

    def test_a_warning_that_is_an_error_to_the_caller_fails_its_task(
        self, backend: Backend
    ) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            with pytest.raises(UserWarning, match="careful"):
                self.call(backend, [delayed(tasks.warn)("careful")])

        self.check_usable(backend)

    def test_log_records_come_to_the_caller(
        self, backend: Backend, caplog: pytest.LogCaptureFixture
    ) -> None:
        calls = [delayed(tasks.log)(_LOGGER, number) for number in range(6)]

        with caplog.at_level(logging.INFO, _LOGGER):
            self.call(backend, calls, batch_size=2)

        records = {record.message: vars(record) for record in caplog.records}
        assert sorted(records) == [f"number {number}" for number in range(6)]
        if self.is_apart(backend):
            told = [records[f"number {number}"]["fanfold_task"] for number in range(6)]
            assert told == list(range(6))

    def is_apart(self, backend: Backend) -> bool:
        """Tell whether tasks run in other processes."""
        [(pid, _), *_] = self.call(backend, [delayed(tasks.where)()] * 2)
        return bool(pid != os.getpid())
