"""Work in another thread, so that a check can look on, or give up."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["aside"]

T = TypeVar("T")


def aside(work: Callable[[], T]) -> Future[T]:
    """Start `work` in a thread of its own and return the future of what it returns or raises.

    The thread does not keep the process from ending.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001  whoever asks for the result gets it
            future.set_exception(error)
        else:
            future.set_result(result)

    threading.Thread(target=run, name="aside", daemon=True).start()
    return future
