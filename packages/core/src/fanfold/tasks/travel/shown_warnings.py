"""Warnings of tasks: told where they would be shown, and issued again in the caller's process."""

from __future__ import annotations

import sys

from ..pickling import dumps
from .reports import WARNING, reports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any, TypeAlias

    Told: TypeAlias = tuple[Warning | str, type[Warning], str, int, str | None]
    """The message, its category, the file and line that it blames, and the module's name."""

__all__ = ["issue_warning", "tell_warnings"]


def tell_warnings(note: Callable[[], object]) -> Callable[[], object]:
    """Have warnings be told in place of shown, and return what ends that.

    Parameters
    ----------
    note : callable
        Called for each.
    """
    import warnings

    # What catch_warnings replaces too: whoever records warnings within a task still does.
    show: Callable[[Any], object] = warnings._showwarnmsg_impl  # type: ignore[attr-defined]
    in_context = getattr(warnings, "_get_context", None)

    def tell_or_show(shown: warnings.WarningMessage) -> None:
        note()
        # With sys.flags.context_aware_warnings (Python 3.14), a context may record by itself.
        is_recorded = in_context is not None and in_context().log is not None
        stays = is_recorded or shown.file is not None or not reports.are_heard
        if stays or not reports.tell(WARNING, _pack(shown)):
            show(shown)

    def end() -> None:
        if warnings._showwarnmsg_impl is tell_or_show:  # type: ignore[attr-defined]
            warnings._showwarnmsg_impl = show  # type: ignore[attr-defined]

    warnings._showwarnmsg_impl = tell_or_show  # type: ignore[attr-defined]
    return end


def _pack(shown: Any) -> bytes:
    where = shown.filename, shown.lineno, _module_of(shown.filename, shown.lineno)
    try:
        return dumps((shown.message, shown.category, *where))
    except Exception:  # noqa: BLE001  a user's __reduce__ may raise anything: the text travels
        return dumps((str(shown.message), _builtin_base(shown.category), *where))


def _builtin_base(category: type[Warning]) -> type[Warning]:
    return next(base for base in category.__mro__ if base.__module__ == "builtins")


def _module_of(filename: str, line: int) -> str | None:
    """Return the name of the module whose code stands there, if it is what runs."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_lineno == line and frame.f_code.co_filename == filename:
            name: str | None = frame.f_globals.get("__name__")
            return name
        frame = frame.f_back
    return None


_elsewhere: dict[str, dict[Any, Any]] = {}
"""What files have warned of whose modules are not imported here."""


def issue_warning(told: Told) -> None:
    """Issue a warning of a task in this process, as the module that it blames would."""
    import warnings

    message, category, filename, line, module_name = told
    module = sys.modules.get(module_name or "")
    registry: dict[Any, Any] = (
        _elsewhere.setdefault(filename, {})
        if module is None
        else vars(module).setdefault("__warningregistry__", {})
    )
    try:
        warnings.warn_explicit(message, category, filename, line, module_name, registry)
    except Warning:
        # The filters have changed since the call began. The task has gone on, so nothing can be
        # raised in it any more.
        warnings.showwarning(message, category, filename, line)
