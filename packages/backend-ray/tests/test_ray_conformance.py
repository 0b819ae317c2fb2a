"""The Ray backend passes the suite of backends, on a real Ray."""

from __future__ import annotations

import pytest
from fanfold.testing import BackendConformance
from fanfold_ray import RayBackend


@pytest.mark.usefixtures("ray_cluster")
class TestRayBackend(BackendConformance):
    def make_backend(self) -> RayBackend:
        return RayBackend()
