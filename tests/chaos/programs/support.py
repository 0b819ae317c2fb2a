"""What the programs of this folder share: counting resources, waiting, and looking at processes.

Each program is a user's script: it asserts what it sees, and ends with exit code 0 if all was well.
"""

from __future__ import annotations

import fcntl
import gc
import os
import signal
import struct
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import Any

import numpy as np
import psutil
from fanfold import Parallel, delayed
from fanfold.backends.processes import ProcessesBackend
from fanfold.backends.threads import ThreadsBackend

SECONDS = 60
"""How long anything may take that another process brings about."""
SECONDS_TO_GIVE_BACK = 10
LARGE = 300_000
"""Elements of a large array, of 8 bytes each: more than a socket takes at once."""
_SEGMENTS = ("/memfd:fanfold", "/dev/shm/")


@dataclass(frozen=True)
class Census:
    """What this process and those that it started hold.

    Attributes
    ----------
    processes : int
        Those that it started, also if nobody has waited for them.
    threads : int
        Of this process.
    descriptors : int
        Of this process.
    segments : int
        Pieces of shared memory that any of them has open or mapped.
    names : int
        Of these, the ones with a name in ``/dev/shm``.
    files : int
        What is in the folder for temporary files.
    """

    processes: int
    threads: int
    descriptors: int
    segments: int
    names: int
    files: int

    @classmethod
    def take(cls) -> Census:
        """Count what is held after Python has collected what refers to itself."""
        gc.collect()
        me = psutil.Process()
        children = me.children(recursive=True)
        segments = set[str]().union(*(segments_of(one.pid) for one in (me, *children)))
        names = [segment for segment in segments if os.path.exists(segment.partition(" ")[0])]
        return cls(
            processes=len(children),
            threads=threading.active_count(),
            descriptors=len(os.listdir("/proc/self/fd")),
            segments=len(segments),
            names=len(names),
            files=len(os.listdir(gettempdir())),
        )

    def within(self, other: Census, pooled: int) -> bool:
        """Tell whether no more is held than at another time, but for so many pooled segments.

        Each of these may take descriptors and a name.
        """
        return (
            self.processes <= other.processes
            and self.threads <= other.threads
            and self.descriptors <= other.descriptors + 2 * pooled
            and self.segments <= other.segments + pooled
            and self.names <= other.names + pooled
            and self.files <= other.files
        )


def segments_of(pid: int) -> set[str]:
    """Return the name and the inode of each piece of shared memory that a process uses."""
    found = set()
    try:
        with open(f"/proc/{pid}/maps") as maps:
            for line in maps:
                _, _, _, _, inode, *name = line.rstrip("\n").split(None, 5)
                if name and name[0].startswith(_SEGMENTS):
                    found.add(f"{name[0]} {inode}")
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            path = f"/proc/{pid}/fd/{descriptor}"
            name_of_it = os.readlink(path)
            if name_of_it.startswith(_SEGMENTS):
                found.add(f"{name_of_it} {os.stat(path).st_ino}")
    except (FileNotFoundError, ProcessLookupError):
        pass  # it ended, or closed what we were about to look at
    return found


def expect(census: Census, *, pooled: int = 0) -> None:
    """Wait until no more is held than at another time; what is given back may take a moment.

    Parameters
    ----------
    census : Census
        What was held then.
    pooled : int
        How many more pieces of shared memory may be kept for later calls.
    """
    wait_until(
        lambda: Census.take().within(census, pooled),
        lambda: f"not given back: there was {census}, there is {Census.take()}",
        SECONDS_TO_GIVE_BACK,
    )


@contextmanager
def nothing_left() -> Iterator[None]:
    """See that all is given back when the pool is closed, even what the first call took."""
    before = Census.take()
    yield
    gc.collect()  # what a traceback kept alive is given back too, when the pool is closed after it
    ProcessesBackend().close()
    ThreadsBackend().close()
    expect(before)


def repeat(scenarios: dict[str, Callable[[int], object]]) -> None:
    """Run the scenario that the first argument names as often as the second says."""
    scenario, rounds = scenarios[sys.argv[1]], int(sys.argv[2])
    with nothing_left():
        both_workers()
        for number in range(rounds):
            scenario(number)
            assert_works()


def assert_works() -> None:
    """See that the pool serves a call, with small things and large ones."""
    run = Parallel(n_jobs=2)
    assert run(delayed(pow)(i, 2) for i in range(20)) == [i * i for i in range(20)]
    for number, array in enumerate(run(delayed(doubled)(large(i)) for i in range(3))):
        assert_is(array, 2 * number)


def large(value: float, n_items: int = LARGE) -> np.ndarray[Any, Any]:
    """Return a large array that is full of `value`."""
    return np.full(n_items, float(value))


def doubled(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return an array that is as large."""
    return array * 2


def assert_is(array: np.ndarray[Any, Any], value: float, n_items: int = LARGE) -> None:
    """See that this is the large array that is full of `value`."""
    assert array.shape == (n_items,), array.shape
    assert (array == value).all(), f"{value} expected: {array}"


def both_workers() -> list[int]:
    """Start two workers, if need be, and return the ids of both."""
    folder = new_folder()

    def meet() -> int:
        (folder / str(os.getpid())).touch()
        wait_until(lambda: len(list(folder.iterdir())) == 2, lambda: "the other does not come")
        return os.getpid()

    pids = Parallel(n_jobs=2, batch_size=1)([delayed(meet)(), delayed(meet)()])
    remove(folder)
    assert len(set(pids)) == 2
    return sorted(pids)


def announce_and_wait(folder: Path) -> None:
    """Be a task that tells its process id and never ends by itself."""
    (folder / str(os.getpid())).touch()
    threading.Event().wait()


def announced(folder: Path, count: int = 1) -> list[int]:
    """Return the ids of the processes that run such a task, when there are so many."""
    wait_until(lambda: len(list(folder.iterdir())) >= count, lambda: "the task did not begin")
    return [int(path.name) for path in folder.iterdir()]


def new_folder() -> Path:
    """Return an empty folder."""
    return Path(mkdtemp())


def remove(folder: Path) -> None:
    """Remove a folder of files."""
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def outcome_of(work: Callable[[], object]) -> Any:
    """Return what it returns, or the exception that it raises."""
    try:
        return work()
    except Exception as error:
        return error


class Aside(threading.Thread):
    """Does something in a thread; `outcome` is what it returned or raised."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__()
        self._work = work
        self._outcome: object = None
        self.start()

    def run(self) -> None:
        """Do it."""
        self._outcome = outcome_of(self._work)

    def outcome(self) -> Any:
        """Wait for the end."""
        self.join(SECONDS)
        assert not self.is_alive(), "it hangs"
        return self._outcome


def wait_until(
    condition: Callable[[], bool], complaint: Callable[[], str], seconds: float = SECONDS
) -> None:
    """Wait for what another process or thread brings about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, complaint()
        time.sleep(0.002)


def state(pid: int) -> str:
    """Return the letter of a process's state, ``X`` if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def is_running(pid: int) -> bool:
    """Tell whether a process is there and has not ended."""
    return state(pid) not in "ZX"


def stop(pid: int) -> None:
    """Stop a process where it is, and wait until it has stopped."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: state(pid) == "T", lambda: f"{pid} does not stop")


def sockets_with(request: int, least: int = 1) -> int:
    """Return how many sockets of this process hold so many bytes: `UNSENT` or `UNREAD` ones."""
    count = 0
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        try:
            if os.readlink(f"/proc/self/fd/{descriptor}").startswith("socket:"):
                answer = fcntl.ioctl(descriptor, request, bytes(4))
                count += struct.unpack("i", answer)[0] >= least
        except OSError:
            continue  # closed meanwhile
    return count


AN_ANSWER = 64
"""The bytes of an answer, at the least; descriptors that are handed over come with fewer."""
UNSENT = termios.TIOCOUTQ
"""Sent, and not yet read by the other end."""
UNREAD = termios.FIONREAD
"""Arrived, and not yet read by this end."""
