"""A Dask cluster for all tests of a file: worker processes on this machine.

It ends with them, because it takes time of all that runs beside it, even when it has nothing to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dask
import distributed
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def cluster() -> Iterator[distributed.LocalCluster]:
    with (
        dask.config.set(
            {
                # By default a task that ends its worker is tried on three others first, each of
                # which has to be started again.
                "distributed.scheduler.allowed-failures": 0,
                # A cluster gives up a worker that is not there so long after it was lost, also if
                # it has come back and was lost again: on a slow machine that left no worker at all.
                "distributed.deploy.lost-worker-timeout": "1 hour",
            }
        ),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
    ):
        yield cluster


@pytest.fixture
def client(cluster: distributed.LocalCluster) -> Iterator[distributed.Client]:
    with distributed.Client(cluster) as client:
        # A worker that was lost in the test before may not be back yet.
        client.wait_for_workers(len(cluster.workers), timeout=60)
        yield client
