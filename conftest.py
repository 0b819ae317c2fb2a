"""How the tests of the whole workspace are shared out among the processes that run them.

A file's tests stay together and in their order, and so do all tests that use an engine or a service
which is started once: each process would start another.
"""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("packages/backend-dask", "packages/backend-ray", "packages/store-s3", "tests/docs")
"""Folders of tests with an engine or a service that is started once."""


class ByFile(LoadScopeScheduling):
    """Gives a process one file after the other, or one of the folders whose files stay together."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    """Share the tests out as described above."""
    return ByFile(config, log)
