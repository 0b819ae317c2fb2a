"""What tests across packages share: a real S3 service, and programs in processes of their own."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import boto3  # type: ignore[import-untyped]  # it has no annotations
import pytest
from moto.server import ThreadedMotoServer


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what the chaos suite is told; here, where pytest looks before it collects."""
    parser.addoption(
        "--chaos-rounds",
        type=int,
        default=2,
        help="how often the tests in tests/chaos repeat what they do; 40 are the full rounds",
    )


@dataclass(frozen=True)
class Program:
    """Runs Python programs in a folder, with warnings as errors."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str | Path, warnings: str = "error") -> str:
        """Run one, check that it succeeds, and return what it prints."""
        run = subprocess.run(
            [sys.executable, "-W", warnings, *arguments],
            cwd=self.folder,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, f"{run.stdout}\n{run.stderr}"
        return run.stdout


@pytest.fixture(scope="session")
def s3_environment() -> Iterator[dict[str, str]]:
    """Start an S3 service with the buckets that are used, and return what tells programs of it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    client = boto3.client(
        "s3",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    for bucket in ("bucket", "my-bucket"):
        client.create_bucket(Bucket=bucket)
    yield environment
    server.stop()


@pytest.fixture(scope="session")
def new_program(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Program]:
    """Return what makes a Program in an empty folder of its own."""
    return lambda: Program(tmp_path_factory.mktemp("folder"))
