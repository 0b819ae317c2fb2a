"""What calls need runs out: they say so, or take another way, and work again afterwards."""

from __future__ import annotations

import os
import subprocess

import pytest

LITTLE_MEMORY = (
    *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c"),
    'mount -t tmpfs -o size=32m tmpfs /dev/shm && exec "$@"',
    "sh",
)
"""Runs a command with a ``/dev/shm`` of its own: filling everybody's would harm other programs."""

MOST_TO_FILL = 512 << 20


@pytest.fixture(scope="module")
def little_memory():
    """The command that runs another with little memory in ``/dev/shm``."""
    try:
        subprocess.run([*LITTLE_MEMORY, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        free = os.statvfs("/dev/shm").f_bavail * os.statvfs("/dev/shm").f_frsize
        if free > MOST_TO_FILL:
            pytest.skip(f"/dev/shm is too large to be filled, and cannot be replaced: {error}")
        if "PYTEST_XDIST_WORKER" in os.environ:
            pytest.skip(f"/dev/shm is in use by other tests, and cannot be replaced: {error}")
        return ()
    return LITTLE_MEMORY


def test_calls_work_while_shared_memory_is_full(start, rounds, little_memory):
    start("scarce.py", "memory", rounds, within=little_memory).finish()


@pytest.mark.parametrize("scenario", ["descriptors", "descriptors_of_memory"])
def test_calls_without_descriptors_say_so(scenario, start, rounds):
    start("scarce.py", scenario, 1 + rounds // 10).finish()
