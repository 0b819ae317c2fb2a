"""Fixtures for all tests of the core."""

import os
import subprocess
import sys
import time

import pytest
from fanfold.backends.processes import ProcessesBackend

LOCAL_BACKENDS = ("processes", "threads", "sequential")


@pytest.fixture(scope="session", autouse=True)
def workers_leave():
    """Wait for the workers at the end: a measurement of coverage is what they write last."""
    yield
    ProcessesBackend().close()


@pytest.fixture(params=LOCAL_BACKENDS)
def backend(request):
    """The name of each local backend in turn."""
    return request.param


@pytest.fixture(params=("processes", "threads"))
def concurrent_backend(request):
    """The name of each local backend that runs several tasks at once."""
    return request.param


@pytest.fixture
def run_script(tmp_path):
    """Run a script as a user would, in a fresh interpreter, and return the completed process."""

    def run(source, *arguments, name="script.py", check=True, timeout=150, **options):
        script = tmp_path / name
        script.write_text(source)
        done = subprocess.run(
            [sys.executable, str(script), *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=tmp_path,
            check=False,
            **options,
        )
        if check:
            assert done.returncode == 0, done.stderr
        return done

    return run


@pytest.fixture
def wait_until():
    """Wait for a condition that another process or thread brings about; fail after a long time."""

    def wait(condition, message, seconds=100):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, message
            time.sleep(0.005)

    return wait


@pytest.fixture
def with_more_time():
    """Check what is to be done within a limit: a short one, and longer ones if that was too short.

    A machine may stand still for longer than a short limit, and what is healthy exceeds it then;
    what is broken exceeds each. The check takes the limit in seconds, and scales with it.
    """

    def attempt(check):
        for limit in (0.4, 2.0):
            try:
                return check(limit)
            except (AssertionError, TimeoutError):
                continue
        return check(10.0)

    return attempt


@pytest.fixture
def note_descriptors(wait_until):
    """Note how many descriptors are open; the function returned waits until there are no more.

    Other threads of this process, such as those of an engine that another test has started, open
    and close some of their own at any time: what leaks stays, and what is theirs goes.
    """

    def count():
        return len(os.listdir("/proc/self/fd"))

    def note():
        before = count()
        return lambda: wait_until(lambda: count() <= before, "descriptors were left open")

    return note


@pytest.fixture
def is_running():
    """Tell whether a process runs; one that ended and was not waited for does not."""

    def check(pid):
        try:
            with open(f"/proc/{pid}/stat") as file:
                return file.read().rpartition(")")[2].split()[0] not in "ZX"
        except FileNotFoundError:
            return False

    if not os.path.exists("/proc/self/stat"):
        pytest.fail("this platform needs another way to look at processes")
    return check
