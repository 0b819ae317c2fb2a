"""How a user's options become a client of obstore."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

from fanfold.errors import InvalidArgumentError
from obstore.store import S3Store as Client

if TYPE_CHECKING:
    from obstore.store import S3Config

__all__ = ["Client", "endpoint_of", "make_client", "parse_location"]

# As the AWS tools read them, first come first served.
_ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")


def parse_location(location: str) -> tuple[str, str]:
    """Return the bucket and the prefix, without slashes around it, of an ``s3://`` URL."""
    scheme, _, path = location.partition("://")
    bucket, _, prefix = path.partition("/")
    prefix = prefix.strip("/")
    if scheme.lower() != "s3" or not bucket or "//" in prefix:
        raise InvalidArgumentError(
            f"{location!r} is not the location of an S3 store: expected s3://bucket or "
            "s3://bucket/prefix"
        )
    return bucket, prefix


def endpoint_of(option: str | None) -> str | None:
    """Return the endpoint to use: the option, else the environment's, else None for Amazon's."""
    endpoint = option or next(filter(None, map(os.environ.get, _ENDPOINT_VARIABLES)), None)
    if endpoint is not None and not endpoint.startswith(("http://", "https://")):
        raise InvalidArgumentError(
            f"the S3 endpoint {endpoint!r} is not a URL: write http:// or https:// before it"
        )
    return endpoint


def make_client(
    bucket: str,
    prefix: str,
    endpoint: str | None,
    config: S3Config,
    *,
    connect_seconds: float,
    answer_seconds: float,
    retry_seconds: float,
) -> Client:
    """Return a client that gives up within the times that it is given.

    obstore itself takes what `config` leaves open from the environment.
    """
    if endpoint is not None:
        # The most specific name: the environment would go before the more general ones.
        config["aws_endpoint_url_s3"] = endpoint
    return Client(
        bucket,
        prefix=prefix or None,
        config=config,
        client_options={
            # Who writes http:// means it.
            "allow_http": endpoint is not None and endpoint.startswith("http://"),
            "connect_timeout": timedelta(seconds=connect_seconds),
            "read_timeout": timedelta(seconds=answer_seconds),
            # A large value may take as long as it likes, while bytes keep coming.
            "timeout": timedelta(days=1),
        },
        retry_config={
            "max_retries": 10,
            "retry_timeout": timedelta(seconds=retry_seconds),
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(seconds=2),
                "base": 2,
            },
        },
    )
