"""The local backends pass the suite of backends."""

from __future__ import annotations

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


class TestProcessesBackend(BackendConformance):
    def make_backend(self) -> ProcessesBackend:
        return ProcessesBackend()
