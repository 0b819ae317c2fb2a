"""The hooks as callers see them: one cheap question, and pluggy only once somebody observes."""

from __future__ import annotations

import os
from threading import RLock

from ..errors import InvalidArgumentError
from ._observers import observers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._relay import Relay

ENVIRONMENT_VARIABLE = "FANFOLD_HOOKS"


class HookCaller:
    """Knows whether anybody observes; the observers themselves are held by a relay.

    A caller asks :meth:`active` once and then tells the relay what happens::

        relay = hooks.active()
        if relay is not None:
            relay.notify("fanfold_call_finished", call_id=3, n_tasks=10, seconds=0.2, error=None)

    The observers that ``FANFOLD_HOOKS`` names are put to work at the first such question, so that
    the variable may be set by the program itself.
    """

    def __init__(self) -> None:
        # Reentrant, because the import of an observer may itself register others.
        self._lock = RLock()
        self._relay: Relay | None = None
        self._environment_is_read = False

    def active(self) -> Relay | None:
        """Return what passes events on, or None where nobody observes.

        Raises
        ------
        fanfold.errors.FanfoldError
            When an observer that ``FANFOLD_HOOKS`` names cannot be put to work; again at each
            question until the variable or the installation is put right.
        """
        if not self._environment_is_read:
            self._read_environment()
        return self._relay

    def notify(self, hook: str, **arguments: object) -> None:
        """Tell every observer that something happened; see :mod:`fanfold.contracts.hooks`."""
        relay = self.active()
        if relay is not None:
            relay.notify(hook, **arguments)

    def register(self, observer: object) -> None:
        """Put an observer to work; see :func:`register_hooks`."""
        with self._lock:
            self._add([observer])

    def unregister(self, observer: object) -> None:
        """Let an observer go; see :func:`unregister_hooks`."""
        with self._lock:
            if self._relay is None:
                raise InvalidArgumentError(f"{observer!r} is not registered: nobody observes")
            self._relay = self._relay.without(observer)

    def _read_environment(self) -> None:
        with self._lock:
            if self._environment_is_read:
                return
            listed = os.environ.get(ENVIRONMENT_VARIABLE, "")
            names = [name.strip() for name in listed.split(",") if name.strip()]
            if names:
                self._add([observers.get(name) for name in names])
            self._environment_is_read = True

    def _add(self, added: list[object]) -> None:
        from ._relay import Relay  # imports pluggy

        relay = self._relay or Relay()
        for observer in added:
            relay = relay.with_(observer)
        self._relay = relay


hooks = HookCaller()


def register_hooks(observer: object) -> None:
    """Put an observer to work: from now on it is told what calls, workers and caches do.

    Its exceptions are logged and never disturb what it observes. It is called in this process,
    from whatever thread something happens in.

    Parameters
    ----------
    observer : object
        An instance or a module with functions marked by ``fanfold.contracts.hooks.hookimpl``, each
        named like a hook of :class:`fanfold.contracts.hooks.HookSpecifications` and taking those of
        its arguments that it needs.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        When it is a class, is registered already, has no such function, or has one with a name or
        an argument that no hook has.

    Examples
    --------
    >>> from fanfold.contracts.hooks import hookimpl
    >>> class Counter:
    ...     tasks = 0
    ...
    ...     @hookimpl
    ...     def fanfold_call_finished(self, n_tasks):
    ...         self.tasks += n_tasks
    >>> counter = Counter()
    >>> register_hooks(counter)
    >>> unregister_hooks(counter)
    """
    hooks.register(observer)


def unregister_hooks(observer: object) -> None:
    """Let an observer go: it is told nothing more.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        When it is not registered.
    """
    hooks.unregister(observer)
