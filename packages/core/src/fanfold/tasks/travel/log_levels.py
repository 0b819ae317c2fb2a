"""The levels of loggers: tasks make those log records that the caller's process would make."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Callable
    from typing import TypeAlias

    PackedLevels: TypeAlias = tuple[int, int, bool, tuple[tuple[str, int, bool], ...]]
    """The root logger's level, what ``logging.disable`` said, whether the root logger has handlers,
    and the name, level and `disabled` of each logger for which one of them was set."""

__all__ = ["pack_levels", "put_levels"]


def pack_levels() -> PackedLevels:
    """Return the levels that hold here and now."""
    import logging

    root = logging.root
    levels = tuple(
        (name, logger.level, logger.disabled)
        for name, logger in root.manager.loggerDict.copy().items()
        if isinstance(logger, logging.Logger) and (logger.level or logger.disabled)
    )
    return root.level, root.manager.disable, bool(root.handlers), levels


def put_levels(packed: PackedLevels) -> Callable[[], object]:
    """Have levels hold in this process, and return what brings back those from before."""
    import logging

    level, disabled_level, _, levels = packed
    root = logging.getLogger()
    loggers = [(root, level, root.disabled)]
    loggers += [(logging.getLogger(name), level, disabled) for name, level, disabled in levels]
    before = [(logger, logger.level, logger.disabled) for logger, _, _ in loggers]
    disabled_before = root.manager.disable
    _put(loggers, disabled_level)
    return lambda: _put(before, disabled_before)


def _put(loggers: list[tuple[logging.Logger, int, bool]], disabled_level: int) -> None:
    import logging

    for logger, level, is_disabled in loggers:
        logger.setLevel(level)
        logger.disabled = is_disabled
    logging.disable(disabled_level)
