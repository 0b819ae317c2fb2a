"""The Dask backend passes the suite of backends, on worker processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fanfold.testing import BackendConformance
from fanfold_dask import DaskBackend

if TYPE_CHECKING:
    import distributed


class TestDaskBackend(BackendConformance):
    @pytest.fixture(autouse=True)
    def _with_client(self, client: distributed.Client) -> None:
        """Have a client that Dask calls current."""

    def make_backend(self) -> DaskBackend:
        return DaskBackend()
