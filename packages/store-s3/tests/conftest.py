"""A real server that speaks S3, and buckets on it."""

from __future__ import annotations

import itertools
import logging
import os
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3  # type: ignore[import-untyped]  # it has no annotations
import pytest
from moto.server import ThreadedMotoServer

CREDENTIALS = {"access_key_id": "test", "secret_access_key": "test"}


@dataclass
class Service:
    """A running S3 service and the means to look at it without fanfold."""

    endpoint: str
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def options(self) -> dict[str, Any]:
        """What a store needs to be told to use it."""
        return {"endpoint": self.endpoint, "region": "us-east-1", **CREDENTIALS}

    @property
    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def new_location(self) -> str:
        """Return a location at which nothing is."""
        return f"s3://bucket/prefix/{next(self._numbers)}"


@pytest.fixture(autouse=True)
def _environment_without_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def s3() -> Iterator[Service]:
    """Give a service with a bucket named ``bucket``."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    service = Service(f"http://{host}:{port}")
    service.client.create_bucket(Bucket="bucket")
    yield service
    server.stop()


@pytest.fixture
def guarded_s3(s3: Service) -> Iterator[Service]:
    """Let nobody into the service."""
    admit(s3, requests=0)
    yield s3
    admit(s3, requests=float("inf"))


def admit(service: Service, requests: float) -> None:
    """Tell the server to check credentials after that many requests."""
    request = urllib.request.Request(
        f"{service.endpoint}/moto-api/reset-auth",
        data=str(requests).encode(),
        headers={"Content-Type": "text/plain"},
    )
    urllib.request.urlopen(request).close()
