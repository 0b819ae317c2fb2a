"""The local backends pass the suite of backends."""

from __future__ import annotations

import sys

import pytest
from fanfold.backends.interpreters import InterpretersBackend
from fanfold.backends.processes import ProcessesBackend
from fanfold.backends.sequential import SequentialBackend
from fanfold.backends.threads import ThreadsBackend
from fanfold.testing import BackendConformance


class TestSequentialBackend(BackendConformance):
    def make_backend(self) -> SequentialBackend:
        return SequentialBackend()


class TestThreadsBackend(BackendConformance):
    def make_backend(self) -> ThreadsBackend:
        return ThreadsBackend()


@pytest.mark.skipif(sys.version_info < (3, 14), reason="concurrent.interpreters is new in 3.14")
class TestInterpretersBackend(BackendConformance):
    known_failures = dict.fromkeys(
        (
            "test_the_future_of_a_lost_worker_is_completed",
            "test_a_task_that_ends_its_worker_is_named",
            "test_a_lost_worker_loses_only_what_it_ran",
            "test_a_task_whose_worker_is_killed_is_named_or_runs_again",
        ),
        "interpreters share a process, so there is no worker to lose",
    ) | {"test_large_arrays_come_whole": "numpy cannot be loaded in more than one interpreter"}

    def make_backend(self) -> InterpretersBackend:
        return InterpretersBackend()


class TestProcessesBackend(BackendConformance):
    def make_backend(self) -> ProcessesBackend:
        return ProcessesBackend()
