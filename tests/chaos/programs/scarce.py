"""Little of what is needed: shared memory, or descriptors.

::

    python scarce.py SCENARIO ROUNDS
"""

from __future__ import annotations

import os
import resource
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import filterfalse, islice

from fanfold import Parallel, delayed
from fanfold.backends.processes import ProcessesBackend
from fanfold.errors import BackendUnavailableError, FanfoldWarning
from support import assert_is, doubled, large, nothing_left, outcome_of, repeat

MOST = 60
"""More descriptors than two workers need."""


def memory(number: int) -> None:
    """No room in ``/dev/shm``, from before the first large array or from after it."""
    if number % 2:
        ProcessesBackend().close()
    with warnings.catch_warnings(record=True) as caught, full("/dev/shm"):
        warnings.simplefilter("always")
        for _ in range(2):
            send_and_return()
    told = [warning for warning in caught if issubclass(warning.category, FanfoldWarning)]
    assert len(told) <= 1, [str(warning.message) for warning in told]
    assert len(told) == len(caught), [str(warning.message) for warning in caught]


@contextmanager
def full(folder: str) -> Iterator[None]:
    """Fill the file system with a file that has lost its name: it goes when this process does."""
    with tempfile.TemporaryFile(dir=folder) as file:
        size = os.fstatvfs(file.fileno()).f_bavail * os.fstatvfs(file.fileno()).f_frsize
        os.posix_fallocate(file.fileno(), 0, size)
        assert os.fstatvfs(file.fileno()).f_bavail == 0
        yield


def descriptors(number: int) -> None:
    """Room for so few descriptors that not all workers can be started, or none."""
    assert attempt(start_and_call) is None  # nothing is left to be imported, as below
    ProcessesBackend().close()
    with nothing_left():
        assert starve(start_and_call) is not None


def descriptors_of_memory(number: int) -> None:
    """Room for so few descriptors that workers which run already get no more of anything."""
    send_and_return()  # so that nothing is left to be imported, which takes descriptors too
    starve(send_and_return)


def starve(call: Callable[[], object]) -> str | None:
    """Make a call with no descriptor left, with one, and so on until it succeeds with three.

    Returns the last message for users that it failed with.
    """
    messages: list[str | None] = []
    while messages[-3:] != [None] * 3:
        assert len(messages) < MOST, messages[-1]
        with few_descriptors(len(messages)):
            messages.append(attempt(call))
    return next(filter(None, reversed(messages)), None)


def attempt(call: Callable[[], object]) -> str | None:
    """Make a call, and return the message of what it raises, if it does."""
    with warnings.catch_warnings():
        warnings.simplefilter("default", FanfoldWarning)  # arrays may go another way
        error = outcome_of(call)
    if error is None:
        return None
    assert isinstance(error, BackendUnavailableError), repr(error)
    assert "descriptors" in str(error), error
    return str(error)


def start_and_call() -> None:
    """Start workers, and have them do something."""
    ProcessesBackend().close()
    assert Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(9)) == list(range(9))


def send_and_return() -> None:
    """Have workers take large arrays, and return some."""
    for value, array in enumerate(Parallel(n_jobs=2)(delayed(doubled)(large(i)) for i in range(3))):
        assert_is(array, 2 * value)


@contextmanager
def few_descriptors(left: int) -> Iterator[None]:
    """Let this process open so many more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = filterfalse(is_open, range(soft))
    resource.setrlimit(resource.RLIMIT_NOFILE, (next(islice(free, left, None)), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def is_open(descriptor: int) -> bool:
    """Tell whether a number is that of an open file."""
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    scenarios = (memory, descriptors, descriptors_of_memory)
    repeat({scenario.__name__: scenario for scenario in scenarios})
