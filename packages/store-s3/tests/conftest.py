"""A real server that speaks S3, and buckets on it."""

from __future__ import annotations

import io
import itertools
import logging
import os
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Any

import boto3  # type: ignore[import-untyped]  # it has no annotations
import pytest
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

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


class OneAtATime:
    """The server's application, one request at a time.

    S3 decides at once whether a conditional write wins. moto looks first and writes then, so that
    of two requests side by side both may win.
    """

    def __init__(self) -> None:
        self._application = DomainDispatcherApplication(create_backend_app)
        self._lock = Lock()

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        environ["wsgi.input"] = io.BytesIO(
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        )
        with self._lock:
            return list(self._application(environ, start_response))


@pytest.fixture(autouse=True)
def _environment_without_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def s3() -> Iterator[Service]:
    """Give a service with a bucket named ``bucket``."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, OneAtATime(), threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    service = Service(f"http://127.0.0.1:{server.server_port}")
    service.client.create_bucket(Bucket="bucket")
    yield service
    server.shutdown()
    thread.join()
    server.server_close()


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
