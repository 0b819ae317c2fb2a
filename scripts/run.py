"""Set up a fresh machine, then run the sweep or the tests; Python 3.11 and pip are enough.

::

    python3 scripts/run.py sweep [--backend ray] [--store DIRECTORY] ...
    python3 scripts/run.py test [PYTEST ARGUMENT ...]

Both make the same environment in ``.venv``: every package of this repository and what it can work
with, so a second run of either starts at once. What follows the first word goes on to
``examples/digits_sweep.py`` and to pytest.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
OLDEST_PYTHON = (3, 11)
CORE_COVERAGE = 90
TEST_PROCESSES = 2  # most tests wait for processes of their own; more would be in each other's way

Command = list[str | Path]


class StepFailedError(Exception):
    """A step of the setup did not succeed; the message names it."""


def main() -> int:
    """Run the command that the arguments name and return the exit code of the process."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", metavar="{sweep,test}", required=True)
    commands.add_parser("sweep", add_help=False, help="run examples/digits_sweep.py")
    commands.add_parser("test", add_help=False, help="run the tests of all packages")
    options, rest = parser.parse_known_args()
    # A shell that starts us in the background has Ctrl-C ignored, and tests are about Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        set_up()
        return sweep(rest) if options.command == "sweep" else test(rest)
    except StepFailedError as error:
        print(f"run.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def set_up() -> None:
    """Make ``.venv`` hold what the workspace asks for; does nothing where it does already."""
    if sys.version_info < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        raise StepFailedError(f"Python {wanted} or newer is needed, this is {sys.version}")
    if not works([VENV_PYTHON, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]):
        # Without pip, because some systems ship a venv module that cannot bring it.
        make: Command = [sys.executable, "-m", "venv", "--clear", "--without-pip", VENV]
        step("making the environment .venv", make)
    if not works([VENV_PYTHON, "-m", "uv", "--version"]):
        if importlib.util.find_spec("pip") is None:
            raise StepFailedError(f"pip is needed: {sys.executable} has no module named pip")
        pip: Command = [sys.executable, "-m", "pip", "--python", VENV_PYTHON]
        step("installing uv", [*pip, "install", "--quiet", "uv"])
    step("installing the packages", [VENV_PYTHON, "-m", "uv", "sync", "--all-packages", "--quiet"])


def sweep(arguments: list[str]) -> int:
    """Run the sweep in the caller's directory."""
    return call([VENV_PYTHON, ROOT / "examples" / "digits_sweep.py", *arguments])


def test(arguments: list[str]) -> int:
    """Run the tests; if it is all of them, also measure which lines of the core they reach."""
    if arguments:
        return call([VENV_PYTHON, "-m", "pytest", *arguments], directory=ROOT)
    coverage: Command = [VENV_PYTHON, "-m", "coverage"]
    call([*coverage, "erase"], directory=ROOT)
    pytest = [*coverage, "run", "-m", "pytest", "-n", str(TEST_PROCESSES)]
    failed = call(pytest, directory=ROOT)
    if failed < 0:
        print(f"run.py: pytest was ended by signal {-failed} before it was done", file=sys.stderr)
    # Workers write what they ran when their pool is closed, which is after pytest's last word.
    call([*coverage, "combine", "--quiet"], directory=ROOT)
    call([*coverage, "report", "--skip-covered"], directory=ROOT)
    core = ["--include=packages/core/src/*", "--format=total", f"--fail-under={CORE_COVERAGE}"]
    print(f"==> coverage of the core in %, which is to be {CORE_COVERAGE} or more:", flush=True)
    too_little = call([*coverage, "report", *core], directory=ROOT)
    return failed or too_little


def step(what: str, command: Command) -> None:
    """Say what is done and do it."""
    print(f"==> {what}", flush=True)
    code = call(command, directory=ROOT)
    if code:
        line = " ".join(map(str, command))
        raise StepFailedError(f"{what} failed with exit code {code}; the command was: {line}")


def works(command: Command) -> bool:
    """Return whether a command can be run and succeeds; its output is of no interest."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def call(command: Command, directory: Path | None = None) -> int:
    """Run a command with our output, and return its exit code."""
    # uv must neither fetch another Python than the one at hand nor prefer an active environment.
    settings = {"UV_PROJECT_ENVIRONMENT": str(VENV), "UV_PYTHON_DOWNLOADS": "never"}
    environment = {**os.environ, **settings}
    environment.pop("VIRTUAL_ENV", None)
    # The tests start hundreds of interpreters: each would compile all that it imports once more.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return subprocess.run(command, cwd=directory, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
