"""Ray on this machine, for all tests of a file: two CPUs, whatever the machine has.

It ends with them, because it takes time of all that runs beside it, even when it has nothing to do.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import ray

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def ray_cluster() -> Iterator[None]:
    ray.init(
        num_cpus=2,
        resources={"tape": 4},
        include_dashboard=False,
        logging_level=logging.WARNING,
    )
    yield
    ray.shutdown()
