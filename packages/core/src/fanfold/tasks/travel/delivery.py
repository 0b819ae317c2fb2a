"""The caller's side of reports: what tasks warned of and logged takes effect here."""

from __future__ import annotations

from _pickle import loads

from .log_records import handle_record
from .reports import WARNING
from .shown_warnings import issue_warning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .reports import Report

__all__ = ["deliver"]


def deliver(report: Report, first_task: int | None) -> None:
    """Issue a task's warning, or handle its log record.

    What goes wrong here is logged: the task has done nothing wrong.

    Parameters
    ----------
    report : tuple
        What the task told.
    first_task : int or None
        The number of the first task of its batch, where that is known.
    """
    position, kind, content = report
    try:
        if kind == WARNING:
            issue_warning(loads(content))
        else:
            handle_record(loads(content), None if first_task is None else first_task + position)
    except Exception:
        import logging

        logging.getLogger("fanfold").exception("a task's %s could not be delivered", kind)
