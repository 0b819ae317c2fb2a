"""How the tests of the whole workspace are shared out among the processes that run them.

A file's tests stay together and in their order, and so do those of some folders.
"""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = (
    # Each begins with an engine, of which two at once take longer than one after the other.
    "packages/backend-dask",
    "packages/backend-ray",
    # They count what is left on the machine, and some leave something on purpose.
    "tests/chaos",
)


class ByFile(LoadScopeScheduling):
    """Gives a process one file after the other, or a folder whose files stay together."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    """Share the tests out as described above."""
    config.option.loadscopereorder = False  # not by their number: those that take long come first
    return ByFile(config, log)
