"""What the checks have workers do. Workers import this, so it imports next to nothing."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from contextvars import ContextVar
from pickle import PickleBuffer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeAlias

    Address: TypeAlias = tuple[str, int]

__all__ = [
    "Block",
    "Counter",
    "PoisonError",
    "Unpicklable",
    "Unreadable",
    "add",
    "append",
    "come_and_go",
    "digest",
    "draw",
    "end_with_a_lock",
    "ends_with",
    "exit_worker",
    "fail",
    "fill",
    "get_ready",
    "inner_threads",
    "linger",
    "log",
    "make",
    "nest",
    "nest_deeper",
    "read",
    "report",
    "report_and_fail",
    "request_id",
    "return_it",
    "seen_request",
    "times_ready",
    "total",
    "type_name",
    "visit",
    "warn",
    "where",
]


def add(left: int, right: int = 1) -> int:
    """Return a sum."""
    return left + right


def return_it(value: Any) -> Any:
    """Return the argument."""
    return value


def append(values: list[int], value: int) -> None:
    """Change the argument."""
    values.append(value)


def fail(message: str) -> None:
    """Raise a ValueError."""
    raise ValueError(message)


def ends_with(error: type[BaseException], *args: object) -> None:
    """Raise any exception, made here."""
    raise error(*args)


def end_with_a_lock(message: str) -> None:
    """Raise an exception that cannot be pickled."""
    raise RuntimeError(message, threading.Lock())


def type_name(value: object) -> str:
    """Return the name of the argument's type."""
    return type(value).__name__


def make(kind: Callable[[], Any]) -> Any:
    """Return something that is made here."""
    return kind()


def where() -> tuple[int, int]:
    """Return the process and the thread in which this runs."""
    return os.getpid(), threading.get_ident()


def inner_threads() -> set[int]:
    """Return how many threads numeric libraries use here: what they are told, and what is so."""
    told = os.environ.get("OMP_NUM_THREADS", "0")
    try:
        import numpy as np  # noqa: F401  it loads a library that has threads
        from threadpoolctl import threadpool_info
    except ImportError:
        return {int(told)}
    return {int(told), *(pool["num_threads"] for pool in threadpool_info())}


def draw() -> float:
    """Return a number from the task's own stream."""
    from ...tasks.seeding import task_random

    return task_random().random()


request_id = ContextVar("request_id", default="none")


def seen_request() -> str:
    """Return the value of a context variable that the caller has set."""
    return request_id.get()


def warn(message: str) -> None:
    """Issue a warning."""
    import warnings

    warnings.warn(message, stacklevel=1)


def log(name: str, number: int) -> None:
    """Log a record."""
    import logging

    logging.getLogger(name).info("number %d", number)


_ready: list[str] = []


def get_ready(word: str) -> None:
    """Take note of a word, as an initializer."""
    _ready.append(word)


def times_ready(word: str) -> int:
    """Return how often this worker has taken note of a word."""
    return _ready.count(word)


def exit_worker() -> None:
    """End this process at once."""
    os._exit(3)


def report(address: Address, name: str) -> str:
    """Tell the suite that this runs, and return the name."""
    with socket.create_connection(address) as connection:
        _introduce(connection, "report", name)
    return name


def report_and_fail(address: Address, name: str) -> None:
    """Tell the suite that this runs, and raise a ValueError."""
    fail(report(address, name))


def linger(address: Address, name: str) -> str:
    """Do as `visit` does, but wait in small steps: what is raised in this thread ends it."""
    with socket.create_connection(address) as connection:
        connection.sendall(f"visit {os.getpid()} {name}\n".encode())
        connection.settimeout(0.01)
        while not _is_let_go(connection):
            pass
        connection.settimeout(None)
        connection.sendall(b"bye\n")
    return name


def _is_let_go(connection: socket.socket) -> bool:
    try:
        connection.recv(1)
    except TimeoutError:
        return False
    return True


def come_and_go(address: Address) -> None:
    """Tell the suite that this begins, and that it ends."""
    report(address, "comes")
    report(address, "goes")


def visit(address: Address, name: str) -> str:
    """Tell the suite that this runs, stay until it says so, and return the name."""
    with socket.create_connection(address) as connection:
        _introduce(connection, "visit", name)
        connection.sendall(b"bye\n")
    return name


def _introduce(connection: socket.socket, kind: str, name: str) -> None:
    connection.sendall(f"{kind} {os.getpid()} {name}\n".encode())
    connection.recv(1)


class Block:
    """Bytes that travel beside the pickle stream, as arrays do."""

    def __init__(self, data: bytearray) -> None:
        self.data = data

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Offer the bytes to be taken out of the stream."""
        return Block, (PickleBuffer(self.data),)


def total(values: Iterable[int]) -> int:
    """Return a sum."""
    return sum(values)


def fill(block: Block, value: int) -> Block:
    """Change all bytes of the argument, in place, and return it."""
    block.data[:] = bytes([value]) * len(block.data)
    return block


class Counter:
    """Adds what it was made with."""

    def __init__(self, step: int) -> None:
        self.step = step

    def add(self, value: int) -> int:
        """Return the sum."""
        return value + self.step

    def __call__(self, value: int) -> int:
        """Return the sum."""
        return self.add(value)


def read(block: Block) -> tuple[str, bool]:
    """Return the digest of what is in a block, and whether it could be written to."""
    with memoryview(block.data) as view:
        return digest(view), not view.readonly


def digest(data: bytes | memoryview) -> str:
    """Return what stands for long data where it is compared: nobody wants to see it whole."""
    return hashlib.sha256(data).hexdigest()


class Unpicklable:
    """Holds what cannot be pickled."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


class Unreadable:
    """Can be pickled, and not be rebuilt."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Refer to a function that raises."""
        return _refuse, ("it refuses to be rebuilt",)


def _refuse(message: str) -> None:
    raise ValueError(message)


class PoisonError(Exception):
    """Can be pickled, and not be rebuilt."""

    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"{left} and {right}")

    def __reduce__(self) -> tuple[object, ...]:
        # Not left to the constructor, which takes more than is kept: libraries that know how to
        # rebuild exceptions all the same may be loaded in the worker.
        return _refuse_to_be_rebuilt, ()


def _refuse_to_be_rebuilt() -> None:
    raise TypeError("a poison error is not rebuilt")


def nest(count: int) -> list[int]:
    """Return what a call of Parallel in a task gives."""
    from fanfold import Parallel, delayed

    results: list[int] = Parallel(n_jobs=2)(delayed(add)(number) for number in range(count))
    return results


def nest_deeper(count: int) -> list[list[int]]:
    """Return what a call of Parallel in a task of a task gives."""
    from fanfold import Parallel, delayed

    results: list[list[int]] = Parallel(n_jobs=2)(delayed(nest)(number) for number in range(count))
    return results
