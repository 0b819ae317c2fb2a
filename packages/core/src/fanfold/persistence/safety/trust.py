"""Whom a file is trusted to call: what ``trusted=`` says, and what a pickle makes of it."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import Any, TypeAlias

from ...errors import InvalidArgumentError, UntrustedGlobalError
from .._arrays import ARRAYS_OF_JOBLIB
from .numpy_permits import JOBLIB_ARRAY, is_type_of_items, numpy_permit
from .permit import FREE, NAMED_ONLY, Permit
from .sklearn_permits import is_in_models, sklearn_permit
from .standard_permits import STANDARD_PERMITS
from .symbols import ArrayShape, Global

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Permits", "Resolved", "Trust", "Trusted"]

Trusted: TypeAlias = "Iterable[str | ModuleType] | Trust | None"
"""What ``trusted=`` takes."""

Resolved: TypeAlias = "Mapping[tuple[str, str], Any]"
"""Globals by the module and name under which a pickle asks for them."""

_PRESETS = ("numpy", "sklearn")
_FIRST_OF_PYTHON_3 = 3
_SHOWN = 10


class Trust:
    """What files may import.

    Parameters
    ----------
    trusted : iterable of str or module
        Full names of classes and functions, names of modules, modules, and the presets ``"numpy"``
        and ``"sklearn"``.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If there is something else among them.
    """

    def __init__(self, trusted: Iterable[str | ModuleType]) -> None:
        if isinstance(trusted, str):
            raise InvalidArgumentError(
                f"trusted={trusted!r} is text, but a list of names is needed: [{trusted!r}]"
            )
        names = {_name(item) for item in trusted}
        self._has_sklearn = "sklearn" in names
        self._has_numpy = self._has_sklearn or "numpy" in names
        self._names = frozenset(names.difference(_PRESETS))

    def permit(self, module: str, name: str) -> Permit | None:
        """Return what a global may be used for, or None if it is not trusted."""
        known = self._permit_of_presets(module, name)
        if f"{module}.{name}" not in self._names and self._module_of(module) is None:
            return known
        # What numpy would not check itself is checked for who lists parts of it, too.
        return (known or numpy_permit(module, name) or FREE) if _is_in(module, "numpy") else FREE

    def resolve(self, module: str, name: str) -> Any:
        """Import a global that is permitted.

        Raises
        ------
        fanfold.errors.UntrustedGlobalError
            If only its module is trusted, and it is defined elsewhere.
        """
        found: Any = _import(module)
        *outer, last = name.split(".")
        for part in outer:
            found = getattr(found, part)
            if not isinstance(found, type):
                raise UntrustedGlobalError(
                    f"{module}.{name} is not trusted, since {module}.{part} is no class"
                )
        found = getattr(found, last)
        known = self._permit_of_presets(module, name) is not None
        trusted_module = self._module_of(module)
        if known or f"{module}.{name}" in self._names or trusted_module is None:
            return found
        home = getattr(found, "__module__", None)
        if not isinstance(home, str) or not _is_in(home, trusted_module):
            raise UntrustedGlobalError(
                f"{module}.{name} is not trusted: the module {trusted_module} is, but this is "
                f"defined in {home}; if you trust it, pass trusted=[..., '{module}.{name}']"
            )
        return found

    def _permit_of_presets(self, module: str, name: str) -> Permit | None:
        permit = STANDARD_PERMITS.get((module, name))
        if permit is None and self._has_numpy:
            permit = numpy_permit(module, name)
            if permit is None and is_type_of_items(module, name):
                permit = NAMED_ONLY
        if permit is None and self._has_sklearn:
            permit = sklearn_permit(module, name)
        return permit

    def _module_of(self, module: str) -> str | None:
        """Return the trusted module that a module is, or is in."""
        return next((name for name in self._names if _is_in(module, name)), None)


class Permits:
    """What one file asks for, and what of it is granted.

    Parameters
    ----------
    trust : Trust or None
        What is trusted; None to grant everything, only to see what it is.
    place : str
        What to call the file in messages.
    joblib_arrays : bool, default=False
        Whether the data of arrays may follow their description, as joblib writes them.

    Attributes
    ----------
    arrays : list of ArrayShape
        The arrays that have been described so far.
    """

    def __init__(self, trust: Trust | None, place: str, *, joblib_arrays: bool = False) -> None:
        self._trust = trust
        self._place = place
        self._joblib_arrays = joblib_arrays
        self._globals: dict[tuple[str, str], Global] = {}
        self._untrusted: list[Global] = []
        self.arrays: list[ArrayShape] = []

    def of_plain_pickle(self) -> Permits:
        """Return the same for a pickle within the file that has no arrays of joblib's kind."""
        inner = Permits(self._trust, self._place)
        inner._globals = self._globals
        inner._untrusted = self._untrusted
        inner.arrays = self.arrays
        return inner

    def permit(self, module: str, name: str, protocol: int) -> Global:
        """Return a global that the pickle asks for, and take note of it."""
        asked = self._globals.get((module, name))
        if asked is None:
            asked = self._globals[module, name] = self._new_global(*_modern(module, name, protocol))
        return asked

    def check(self) -> None:
        """Raise :class:`UntrustedGlobalError` if something was asked for that is not trusted."""
        if self._untrusted:
            names = list(map(str, self._untrusted))
            others = f" and {len(names) - _SHOWN} others" if len(names) > _SHOWN else ""
            advice = list(dict.fromkeys(map(_advice, self._untrusted)))[:_SHOWN]
            raise UntrustedGlobalError(
                f"{self._place} would import {', '.join(names[:_SHOWN])}{others}, not trusted; "
                "nothing of the file has run. If you trust that, pass "
                f"trusted=[..., {', '.join(map(repr, advice))}]"
            )

    def asked_for(self) -> list[tuple[str, str]]:
        """Return what the pickle imports, in its order, each with what to list to trust it.

        The second is empty for what is always trusted.
        """
        return [
            (str(found), "" if _needs_no_trust(found) else _advice(found))
            for found in self._globals.values()
        ]

    @property
    def grants_all(self) -> bool:
        """Whether everything is granted, only to see what it is."""
        return self._trust is None

    @property
    def only_guards(self) -> bool:
        """Whether the pickle is trusted, and only looked at for damage."""
        return False

    @property
    def are_joblibs(self) -> bool:
        """Whether there was an array as joblib writes it."""
        return not ARRAYS_OF_JOBLIB.isdisjoint(self._globals)

    def resolved(self) -> dict[tuple[str, str], Any]:
        """Import what was asked for, and return it by the names that the pickle has for it."""
        assert self._trust is not None
        return {
            asked: self._trust.resolve(found.module, found.name)
            for asked, found in self._globals.items()
            if asked not in ARRAYS_OF_JOBLIB
        }

    def _new_global(self, module: str, name: str) -> Global:
        if self._joblib_arrays and (module, name) in ARRAYS_OF_JOBLIB:
            return Global(module, name, JOBLIB_ARRAY)
        if self._trust is None:
            known = STANDARD_PERMITS.get((module, name)) or numpy_permit(module, name)
            return Global(module, name, known or FREE)
        permit = self._trust.permit(module, name)
        found = Global(module, name, permit or FREE)
        if permit is None:
            self._untrusted.append(found)
        return found


def _needs_no_trust(asked: Global) -> bool:
    key = asked.module, asked.name
    return key in STANDARD_PERMITS or key in ARRAYS_OF_JOBLIB


def _advice(asked: Global) -> str:
    """Return what to list in order to trust a global."""
    if is_in_models(asked.module):
        return "sklearn"
    has_preset = asked.name != "getattr" and numpy_permit(asked.module, asked.name) is not None
    return "numpy" if has_preset else str(asked)


def _name(item: object) -> str:
    if isinstance(item, ModuleType):
        return item.__name__
    if not isinstance(item, str) or not all(part.isidentifier() for part in item.split(".")):
        raise InvalidArgumentError(
            f"trusted=[..., {item!r}] is neither a module nor the full name of a class, function "
            "or module"
        )
    if item == "builtins":
        raise InvalidArgumentError(
            "trusted=[..., 'builtins'] would trust eval and exec; name what is needed of it, such "
            "as 'builtins.print'"
        )
    return item


def _import(module: str) -> ModuleType:
    if module.startswith("numpy.core."):  # as numpy 1 called it; numpy 2 warns of that name
        with suppress(ImportError):
            return import_module(module.replace("numpy.core.", "numpy._core.", 1))
    return import_module(module)


def _is_in(module: str, outer: str) -> bool:
    return module == outer or module.startswith(f"{outer}.")


def _modern(module: str, name: str, protocol: int) -> tuple[str, str]:
    """Return what the unpickler takes a name of Python 2 for."""
    if protocol >= _FIRST_OF_PYTHON_3:
        return module, name
    import _compat_pickle as names

    if (module, name) in names.NAME_MAPPING:
        return names.NAME_MAPPING[module, name]
    return names.IMPORT_MAPPING.get(module, module), name
