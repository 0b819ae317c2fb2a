"""Passing events to observers, through pluggy."""

from __future__ import annotations

import logging

import pluggy

from ..contracts.hooks import PROJECT_NAME, HookSpecifications
from ..errors import InvalidArgumentError
from ._messages import did_you_mean

_log = logging.getLogger("fanfold.hooks")
_HOOK_NAMES = frozenset(name for name in vars(HookSpecifications) if name.startswith("fanfold_"))


class Relay:
    """Some observers, in the order they came; it never changes, so it needs no lock.

    Each observer has a plugin manager of its own: pluggy ends a hook at the first exception, which
    would keep the other observers from hearing of the event.
    """

    def __init__(self, members: tuple[tuple[object, pluggy.PluginManager], ...] = ()) -> None:
        self._members = members

    def with_(self, observer: object) -> Relay:
        """Return a relay that tells `observer` too."""
        if any(member is observer for member, _ in self._members):
            raise InvalidArgumentError(f"{observer!r} is registered already; unregister it first")
        return Relay((*self._members, (observer, _manager_of(observer))))

    def without(self, observer: object) -> Relay | None:
        """Return a relay that does not tell `observer`, or None if nobody would be left."""
        rest = tuple(pair for pair in self._members if pair[0] is not observer)
        if len(rest) == len(self._members):
            names = ", ".join(repr(member) for member, _ in self._members)
            raise InvalidArgumentError(f"{observer!r} is not registered; registered: {names}")
        return Relay(rest) if rest else None

    def notify(self, hook: str, **arguments: object) -> None:
        """Tell every observer; what one of them raises is logged."""
        for observer, manager in self._members:
            try:
                getattr(manager.hook, hook)(**arguments)
            except Exception:  # noqa: BLE001  an observer's fault must not end the user's call
                _log.exception("%r raised in the hook %s; the call goes on", observer, hook)


def _manager_of(observer: object) -> pluggy.PluginManager:
    """Return a manager that holds just this observer, whose functions were checked."""
    if isinstance(observer, type):
        raise InvalidArgumentError(
            f"{observer!r} is a class and its hooks would have no `self`; register an instance"
        )
    manager = pluggy.PluginManager(PROJECT_NAME)
    manager.add_hookspecs(HookSpecifications)
    _check_names(observer, manager)
    try:
        manager.register(observer)
    except pluggy.PluginValidationError as error:
        raise InvalidArgumentError(f"{observer!r} cannot observe: {error}") from error
    return manager


def _check_names(observer: object, manager: pluggy.PluginManager) -> None:
    marked = [
        options.get("specname") or name
        for name in dir(observer)
        if (options := manager.parse_hookimpl_opts(observer, name)) is not None
    ]
    if not marked:
        raise InvalidArgumentError(
            f"{observer!r} has no function that is marked with fanfold.contracts.hooks.hookimpl, "
            "so it would be told nothing"
        )
    for name in marked:
        if name not in _HOOK_NAMES:
            nearest = did_you_mean(name, _HOOK_NAMES) or "."
            raise InvalidArgumentError(
                f"{observer!r} implements {name!r}, which is not a hook{nearest} "
                f"There are: {', '.join(sorted(_HOOK_NAMES))}"
            )
