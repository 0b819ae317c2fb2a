"""Streams that do not wait for their consumer: a thread drives the call.

Only for ``pre_dispatch="all"``, where the whole input was taken beforehand, so that nothing of the
user's runs in that thread.
"""

from __future__ import annotations

import threading
from _queue import SimpleQueue  # queue itself imports four modules more
from contextvars import copy_context

from .._interrupts import InterruptsHeld

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from ._call import Call

__all__ = ["run_ahead"]

_END = object()


def run_ahead(call: Call) -> Generator[Any, None, None]:
    """Return a generator of the results of a call that runs by itself."""
    generator = _results(call)
    next(generator)  # from here on, closing it ends the call
    return generator


def _results(call: Call) -> Generator[Any, None, None]:
    results: SimpleQueue[tuple[object, BaseException | None]] = SimpleQueue()
    # In the caller's context, because there the warnings of tasks take effect.
    driver = threading.Thread(
        target=copy_context().run,
        args=(_drive, call, results),
        name="fanfold-driver",
        daemon=True,
    )
    try:
        with InterruptsHeld():
            driver.start()
        yield None
        while True:
            result, error = results.get()
            if error is not None:
                raise error
            if result is _END:
                return
            yield result
            del result  # while waiting for the next one, it need not be kept
    finally:
        if driver.is_alive():
            call.stop()
        driver.join()


def _drive(call: Call, results: SimpleQueue[tuple[object, BaseException | None]]) -> None:
    try:
        for result in call.stream(ahead=True):
            results.put((result, None))
    except BaseException as error:  # noqa: BLE001  all of it belongs to the consumer
        results.put((None, error))
    else:
        results.put((_END, None))
