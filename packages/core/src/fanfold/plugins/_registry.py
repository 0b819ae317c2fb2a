"""The registry: a name becomes the class, or the factory, that was meant by it."""

from __future__ import annotations

from importlib import import_module

from ..errors import BrokenPluginError, InvalidArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Generic, TypeVar

    P = TypeVar("P")
else:
    # Only type checkers need them, and importing typing takes a quarter of the time of all of this.
    P = None

    class Generic:
        """Stands for :class:`typing.Generic`."""

        def __class_getitem__(cls, parameters):
            """Return the class itself."""
            return cls


class Registry(Generic[P]):
    """Finds the plugins of one kind by name, and imports only the one that is asked for.

    Asked in this order: what :meth:`register` put there; the built-in names; the entry points of
    the installed distributions. What was registered comes first because it is an explicit act of
    the running program, and programs written for joblib register over built-in names.

    Parameters
    ----------
    kind : str
        What its plugins are called in messages, such as ``"backend"``.
    family : str
        The entry-point group without its version, such as ``"fanfold.backends"``.
    version : int
        The version of the contract, which completes the group: ``"fanfold.backends.v1"``.
    contract : str or None
        ``"module:Class"`` that every plugin derives from; None takes any object.
    built_in : mapping of str to str
        The built-in names and their ``"module:Class"``.
    extras : mapping of str to str
        Names that a known distribution brings, and the requirement that installs it.
    """

    def __init__(
        self,
        *,
        kind: str,
        family: str,
        version: int,
        contract: str | None,
        built_in: Mapping[str, str],
        extras: Mapping[str, str],
    ) -> None:
        self.kind = kind
        self.family = family
        self.version = version
        self.contract = contract
        self.built_in = built_in
        self.extras = extras
        self._registered: dict[str, Callable[..., P]] = {}
        self._loaded: dict[str, Callable[..., P]] = {}

    @property
    def group(self) -> str:
        """The entry-point group that this version of fanfold reads."""
        return f"{self.family}.v{self.version}"

    @property
    def registered(self) -> Mapping[str, Callable[..., P]]:
        """What :meth:`register` put there, by name."""
        return dict(self._registered)

    def get(self, name: str) -> Callable[..., P]:
        """Return what makes the plugin of this name: its class, or the factory registered for it.

        Raises
        ------
        fanfold.errors.UnknownPluginError
            When nothing has the name; the message gives the nearest name and those there are.
        fanfold.errors.MissingExtraError
            When the distribution that brings it is not installed; the message tells how to.
        fanfold.errors.BrokenPluginError
            When it cannot be imported, or does not keep to the contract's form.
        fanfold.errors.PluginConflictError
            When two distributions claim the name.
        fanfold.errors.ContractVersionError
            When it is written for another version of the contract; the message tells which side to
            upgrade.
        """
        self._check_name(name)
        found = self._registered.get(name) or self._loaded.get(name)
        if found is None:
            found = self._loaded[name] = self._load(name)
        return found

    def register(self, name: str, factory: Callable[..., P]) -> None:
        """Let `name` mean `factory` in this process, in the place of what it may have meant.

        Parameters
        ----------
        name : str
            Any name, a built-in one too.
        factory : callable
            A class that derives from the contract's, or a function that returns an instance of one.

        Raises
        ------
        fanfold.errors.InvalidArgumentError
            When the name is not a string, or the factory cannot make such a plugin.
        """
        self._check_name(name)
        if not callable(factory):
            raise InvalidArgumentError(
                f"cannot register {factory!r} as the {self.kind} {name!r}: expected a class or a "
                "function that returns an instance; pass the class, not what it made"
            )
        if isinstance(factory, type):
            # The contracts need dataclasses, which a caller with such a class has already imported.
            from ._form import fault_of

            fault = fault_of(factory, self.contract)
            if fault:
                raise InvalidArgumentError(
                    f"cannot register {factory!r} as the {self.kind} {name!r}: it {fault}"
                )
        self._registered[name] = factory

    def unregister(self, name: str) -> None:
        """Undo :meth:`register`: the name means again what it meant before.

        Raises
        ------
        fanfold.errors.InvalidArgumentError
            When nothing was registered under it.
        """
        if self._registered.pop(name, None) is None:
            raise InvalidArgumentError(
                f"no {self.kind} was registered as {name!r}; registered: "
                f"{', '.join(sorted(self._registered)) or 'none'}"
            )

    def names(self) -> dict[str, str]:
        """Return every name that this process knows, and where it comes from; imports no plugin."""
        from ._discovery import installed_names

        names = installed_names(self)
        names.update(dict.fromkeys(self.built_in, "built in"))
        names.update(dict.fromkeys(self._registered, "registered"))
        return dict(sorted(names.items()))

    def _check_name(self, name: str) -> None:
        if not isinstance(name, str) or not name:
            raise InvalidArgumentError(f"the name of a {self.kind} is a string, not {name!r}")

    def _load(self, name: str) -> Callable[..., P]:
        target = self.built_in.get(name)
        if target is not None:
            try:
                return import_target(target)  # type: ignore[return-value]  # the table is ours
            except ImportError as error:
                raise BrokenPluginError(
                    f"the {self.kind} {name!r} is built in, but {target!r} cannot be imported: "
                    f"{type(error).__name__}: {error}; see what is missing with: fanfold doctor"
                ) from error
        # Only here is importlib.metadata needed, and 40 ms a fair price.
        from ._discovery import load_installed

        return load_installed(self, name)


def import_target(target: str) -> object:
    """Return the object that ``"module:name"`` names."""
    module, _, attribute = target.partition(":")
    found: object = getattr(import_module(module), attribute)
    return found
