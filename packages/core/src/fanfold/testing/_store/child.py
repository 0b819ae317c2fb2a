"""What the suite's other processes do: ``python -m fanfold.testing._store.child ACTION``.

The pickled store comes through standard input; so do the signals of the suite, a line each. What
the suite waits for goes to standard output. This module imports nothing that a store's process
would not need, so that it starts quickly.
"""

from __future__ import annotations

import itertools
import os
import pickle
import select
import subprocess
import sys
from contextlib import contextmanager

from .pieces import BIG, KEY, LEASE_SECONDS, Interrupted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

    from ...contracts.store import Store

__all__ = ["Child", "child"]


class Child:
    """Another process that works on a store."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout

    def send(self, line: bytes) -> None:
        """Send a line, or anything else, to the process."""
        self._pipes[0].write(line)
        self._pipes[0].flush()

    def wait_for_line(self) -> bytes:
        """Return the next line that the process prints, without its end; empty if it has ended."""
        return self._pipes[1].readline().rstrip()

    def has_line(self) -> bool:
        """Return whether a line, or the end, can be read without waiting."""
        return bool(select.select([self._pipes[1]], [], [], 0)[0])

    def kill(self) -> None:
        """End the process at once, with SIGKILL where that exists, and wait until it is gone."""
        self._process.kill()
        self._process.wait()


@contextmanager
def child(action: str, store: Store) -> Iterator[Child]:
    """Start an action on a copy of the store in another process, and wait until it has ended."""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    with subprocess.Popen(
        [sys.executable, "-m", __name__, action],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    ) as process:
        started = Child(process)
        try:
            started.send(pickle.dumps(store))
            yield started
        except BaseException:
            started.kill()
            raise


def _tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201  the pipe to the suite


def _wait() -> None:
    sys.stdin.buffer.readline()


def _get(store: Store) -> None:
    _tell(repr(store.get(KEY)))


def _half_a_put(store: Store) -> None:
    store.put(KEY, _halves())


def _half_a_put_if_absent(store: Store) -> None:
    store.put_if_absent(KEY, _halves())


def _halves() -> Interrupted:
    def stop() -> None:
        _tell("half")
        _wait()

    half = b"\xff" * (BIG // 2)
    return Interrupted(half, half, between=stop)


def _put_again_and_again(store: Store) -> None:
    for number in itertools.count():
        half = bytes([number % 256]) * (BIG // 2)
        store.put(KEY, [half, half])
        _tell("put")


def _put_if_absent(store: Store) -> None:
    _tell("ready")
    _wait()
    _tell(str(store.put_if_absent(KEY, [str(os.getpid()).encode()])))


def _lock(store: Store) -> None:
    release = store.lock(KEY)
    assert release is not None
    _tell("locked")
    _wait()
    release()
    _tell("released")
    _wait()


def _compute(store: Store) -> None:
    from ...memory import Memory
    from ...plugins import stores

    stores.register("store-under-test", lambda _location, **_options: store)
    memory = Memory(
        store.location, backend="store-under-test", verbose=0, lease_seconds=LEASE_SECONDS
    )
    _tell(str(memory.cache(_which_process, version=1)()))


def _which_process() -> int:
    _tell("computing")
    _wait()
    return os.getpid()


_ACTIONS: dict[str, Callable[[Store], None]] = {
    "compute": _compute,
    "get": _get,
    "half_a_put": _half_a_put,
    "half_a_put_if_absent": _half_a_put_if_absent,
    "lock": _lock,
    "put_again_and_again": _put_again_and_again,
    "put_if_absent": _put_if_absent,
}

if __name__ == "__main__":
    _ACTIONS[sys.argv[1]](pickle.load(sys.stdin.buffer))
