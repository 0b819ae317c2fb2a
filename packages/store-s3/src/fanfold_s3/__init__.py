"""fanfold's cache in an S3 bucket: ``Memory("s3://bucket/prefix")``."""

from ._store import S3Store

__all__ = ["S3Store"]
