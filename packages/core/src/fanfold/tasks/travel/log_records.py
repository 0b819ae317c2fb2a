"""Log records of tasks: handled by the loggers of the caller's process.

A worker's own handlers get them too, such as those that an initializer made. Only those that write
to its stdout and stderr do not where the caller's process handles records itself: each would be
seen twice.
"""

from __future__ import annotations

import sys

from ..pickling import are_atoms, dumps
from .reports import LOG_RECORD, reports

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator
    from typing import Any

__all__ = ["handle_record", "tell_records"]


def tell_records(*, caller_has_handlers: bool) -> Callable[[], object]:
    """Have records be told beside being handled here, and return what ends that."""
    from logging import Logger

    call_handlers = Logger.callHandlers

    def tell_and_handle(logger: Logger, record: logging.LogRecord) -> None:
        if not (reports.are_heard and reports.tell(LOG_RECORD, _pack(record))):
            call_handlers(logger, record)
            return
        for handler in _handlers(logger):
            is_seen = caller_has_handlers and _writes_to_console(handler)
            if record.levelno >= handler.level and not is_seen:
                handler.handle(record)

    def end() -> None:
        if Logger.callHandlers is tell_and_handle:
            Logger.callHandlers = call_handlers  # type: ignore[method-assign]  # see below

    # Not a handler of the root logger: with one, logging.basicConfig would do nothing in a task,
    # and logging.config would drop it.
    Logger.callHandlers = tell_and_handle  # type: ignore[method-assign, assignment]  # named so
    return end


def _handlers(logger: logging.Logger) -> Iterator[logging.Handler]:
    ancestor: logging.Logger | None = logger
    while ancestor is not None:
        yield from ancestor.handlers
        ancestor = ancestor.parent if ancestor.propagate else None


def _writes_to_console(handler: logging.Handler) -> bool:
    stream = getattr(handler, "stream", None)
    return stream is not None and stream in (
        sys.stdout,
        sys.stderr,
        sys.__stdout__,
        sys.__stderr__,
    )


def _pack(record: logging.LogRecord) -> bytes:
    """Return a record's attributes, pickled; as text what cannot be, or may change or be large."""
    import logging

    told = dict(record.__dict__)
    if record.exc_info:
        told["exc_text"] = record.exc_text or logging.Formatter().formatException(record.exc_info)
        told["exc_info"] = None
    args = record.args or ()
    if not are_atoms(args.values() if isinstance(args, dict) else args):
        told.update(_formatted(record))
    try:
        return dumps(told)
    except Exception:  # noqa: BLE001  a user's __reduce__ may raise anything
        return dumps({name: _or_text(value) for name, value in told.items()})


def _formatted(record: logging.LogRecord) -> dict[str, object]:
    try:
        return {"msg": record.getMessage(), "args": None}
    except Exception:  # noqa: BLE001  a format that does not fit is for the handlers to complain of
        return {"args": tuple(map(repr, record.args or ()))}


def _or_text(value: object) -> object:
    try:
        dumps(value)
    except Exception:  # noqa: BLE001  as above
        return repr(value)
    return value


def handle_record(told: dict[str, Any], task: int | None) -> None:
    """Handle a task's record in this process.

    Parameters
    ----------
    told : dict
        Its attributes.
    task : int or None
        The number of the task within its call, where it is known.
    """
    import logging

    record = logging.makeLogRecord(told)
    record.levelname = logging.getLevelName(record.levelno)  # it may have a name only here
    record.fanfold_task = task
    record.fanfold_worker = record.process
    logging.getLogger(record.name).handle(record)
