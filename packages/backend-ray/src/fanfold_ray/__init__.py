"""Run fanfold's Parallel on a Ray cluster: ``Parallel(backend="ray")``."""

from ._backend import RayBackend

__all__ = ["RayBackend"]
