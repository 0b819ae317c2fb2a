"""A program that is made to suffer: it starts, is watched, and must leave nothing behind.

Programs run in processes of their own, because they are killed, interrupted and starved. All
processes that come of one carry a mark in their environment, so they are found even when whoever
started them is gone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).with_name("programs")
FULL_ROUNDS = 40
"""For so many the numbers are those of a thorough run; fewer scale them down."""
SECONDS_TO_VANISH = 20
_MARK = "CHAOS_MARK"
_NAMES = ("fanfold", "psm_")
"""How names in ``/dev/shm`` begin: our own, and those of ``multiprocessing.shared_memory``."""


class Program:
    """One of the programs in ``programs/``, running.

    Parameters
    ----------
    folder : Path
        An empty folder, for what is written about it.
    seconds : float
        How long it may take; then its stacks are shown, and the test fails.
    name : str
        Which program.
    *arguments : str
        Its arguments.
    within : sequence of str
        The command that runs it, if it is to run in another setting than the test.
    """

    def __init__(
        self, folder: Path, seconds: float, name: str, *arguments: str, within: Sequence[str] = ()
    ) -> None:
        self._mark = uuid.uuid4().hex
        self._temporary, self._stacks = folder / "temporary", folder / "stacks"
        self._temporary.mkdir(parents=True)
        self._stacks.mkdir()
        self._printed, self._errors = folder / "stdout", folder / "stderr"
        self._lines_read = 0
        self._deadline = time.monotonic() + seconds
        self._shared_before = set(os.listdir("/dev/shm"))
        # What measures coverage holds descriptors and memory, which are counted here.
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("COV")
        }
        path = [str(PROGRAMS), *filter(None, [environment.get("PYTHONPATH")])]
        environment |= {
            _MARK: self._mark,
            "CHAOS_STACKS": str(self._stacks),
            "TMPDIR": str(self._temporary),
            "PYTHONPATH": os.pathsep.join(path),
        }
        with self._printed.open("w") as printed, self._errors.open("w") as errors:
            self._process = subprocess.Popen(
                [*within, sys.executable, "-W", "error", PROGRAMS / name, *arguments],
                stdin=subprocess.PIPE,
                stdout=printed,
                stderr=errors,
                env=environment,
                text=True,
                start_new_session=True,
            )

    def tell(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def end_of_input(self) -> None:
        """Close its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def line(self, *, within: float | None = None) -> str | None:
        """Return the next line that it prints; None if there is none within so many seconds."""
        if not self._wait(self._has_line, "it prints nothing", within):
            return None
        line = self._printed.read_text().splitlines()[self._lines_read]
        self._lines_read += 1
        return line

    def finish(self) -> None:
        """Wait until it has ended by itself, and see that it succeeded and left nothing."""
        self._wait(lambda: self._process.poll() is not None, "it does not end")
        if self._process.returncode != 0:
            pytest.fail(f"it ended with {self._process.returncode}:\n{self._errors.read_text()}")
        self.vanish()

    def signal(self, number: signal.Signals, *, to_all: bool = False) -> None:
        """Send it a signal; or to all its processes, as a terminal does."""
        (os.killpg if to_all else os.kill)(self._process.pid, number)

    def kill(self) -> None:
        """Kill it, and see that nothing of it is left."""
        self._process.kill()
        self._process.wait()
        self.vanish()

    def vanish(self) -> None:
        """See that no process, no name in ``/dev/shm`` and no temporary file is left."""
        self._deadline = time.monotonic() + SECONDS_TO_VANISH
        self._wait(lambda: not self._pids(), "processes are left")
        self._wait(lambda: not self._orphans(), "names in /dev/shm are left")
        files = [path.name for path in self._temporary.iterdir()]
        if files:
            pytest.fail(f"temporary files are left: {files}")

    def close(self) -> None:
        """End whatever is left."""
        for pid in self._pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue  # it ended with its parent
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()

    def _has_line(self) -> bool:
        if self._printed.read_text().count("\n") > self._lines_read:
            return True
        if self._process.poll() is not None:
            pytest.fail(f"it ended with {self._process.returncode}:\n{self._errors.read_text()}")
        return False

    def _wait(self, condition: Callable[[], bool], what: str, within: float | None = None) -> bool:
        """Wait for a condition; without `within`, fail with a diagnosis when time is up."""
        until = self._deadline if within is None else time.monotonic() + within
        while not condition():
            if time.monotonic() > until:
                if within is not None:
                    return False
                pytest.fail(f"{what}\n{self._diagnosis()}")
            time.sleep(0.002)
        return True

    def _pids(self) -> list[int]:
        """Return the processes that came of the program and have not ended."""
        mark = f"{_MARK}={self._mark}".encode()
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    if mark in Path("/proc", entry, "environ").read_bytes():
                        found.append(int(entry))
                except OSError:
                    continue  # it ended, or belongs to somebody else
        return found

    def _orphans(self) -> list[str]:
        """Return new names of ours in ``/dev/shm`` that no living process uses.

        The machine may run other programs, which make names too, of their own and of ours.
        """
        new = set(os.listdir("/dev/shm")) - self._shared_before
        paths = [f"/dev/shm/{name}" for name in new if name.startswith(_NAMES)]
        return [path for path in paths if os.path.exists(path) and not _is_used(path)]

    def _diagnosis(self) -> str:
        """Return what is known of each process: its state, what it waits in, and its stacks."""
        texts = [f"stderr:\n{self._errors.read_text()}", f"in /dev/shm: {self._orphans()}"]
        for pid in self._pids():
            proc = Path("/proc", str(pid))
            try:
                os.kill(pid, signal.SIGUSR2)
                arguments = (proc / "cmdline").read_text().replace("\0", " ")
                status = (proc / "status").read_text().splitlines()
                descriptors = [os.readlink(link) for link in sorted((proc / "fd").iterdir())]
                waits_in = (proc / "wchan").read_text()
            except OSError as error:
                texts.append(f"process {pid}: {error}")
                continue
            texts.append(f"process {pid}: {arguments[-200:]}\n{status[2]}, in {waits_in}")
            texts.append(f"descriptors: {descriptors}")
        time.sleep(1)  # a stopped process writes nothing, so there is no telling when all have
        texts += [f"stacks of {path.name}:\n{path.read_text()}" for path in self._stacks.iterdir()]
        return "\n".join(texts)


def _is_used(path: str) -> bool:
    """Tell whether a process has a file open or mapped."""
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        proc = Path("/proc", entry)
        try:
            if f" {path}\n" in (proc / "maps").read_text():
                return True
            if any(os.readlink(link) == path for link in (proc / "fd").iterdir()):
                return True
        except OSError:
            continue  # it ended, or belongs to somebody else
    return False
