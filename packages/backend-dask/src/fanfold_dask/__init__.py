"""Run fanfold's Parallel on a Dask cluster: ``Parallel(backend="dask")``."""

from ._backend import DaskBackend

__all__ = ["DaskBackend"]
