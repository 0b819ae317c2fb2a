"""Context variables: a task finds the values that they had where its call was made.

A context variable cannot be pickled, so it travels by the name of a module's attribute that it is
the value of. One of ``__main__``, which no worker can import, is made anew in each worker, once.
"""

from __future__ import annotations

import sys
from _pickle import PicklingError, loads
from contextvars import Context, ContextVar

from ..pickling import dumps
from .origin import origin
from .special_variables import pack_special, unpack_special

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    Home: TypeAlias = tuple[str, ...]
    """The module and the attribute; of ``__main__`` also whose, and the variable's own name."""
    PackedVariable: TypeAlias = tuple[Home | str, bytes]
    """A home, or the name of a special variable, and the pickled value."""

__all__ = ["pack_variables", "reduce_variable", "unpack_variables", "variable_at"]

_NOT_OURS_TO_SEND = ("fanfold_", "warnings_context")
"""How the names begin of variables that stay: our own, and what `filters` takes care of."""


class _Variables:
    """Where the context variables of this process live; each is looked for once."""

    def __init__(self) -> None:
        self._homes: dict[ContextVar[Any], Home | None] = {}
        self._made: dict[Home, ContextVar[Any]] = {}

    def home_of(self, variable: ContextVar[Any]) -> Home | None:
        """Return by what a worker finds a variable; None where no module has it."""
        if variable not in self._homes:
            self._homes[variable] = self._search(variable)
        return self._homes[variable]

    def at(self, home: Home, default: tuple[object, ...] = ()) -> ContextVar[Any]:
        """Return the variable with this home.

        Raises
        ------
        ImportError, AttributeError
            If there is no such module here, or it does not have the variable.
        """
        module, attribute, *of_main = home
        if of_main and of_main[0] != origin.token:
            return self._of_another_main(home, default)
        found = sys.modules.get(module)
        if not hasattr(found, attribute):
            from importlib import import_module

            # Another thread may be in the midst of importing it: this waits for that.
            found = import_module(module)
        variable: ContextVar[Any] = getattr(found, attribute)
        return variable

    def _of_another_main(self, home: Home, default: tuple[object, ...]) -> ContextVar[Any]:
        variable = self._made.get(home)
        if variable is None:
            options = {"default": default[0]} if default else {}
            new: ContextVar[Any] = ContextVar(home[3], **options)
            variable = self._made.setdefault(home, new)
            self._homes[variable] = home  # from here it may travel further
        return variable

    def _search(self, variable: ContextVar[Any]) -> Home | None:
        # Of __main__ last: what it imported from elsewhere is better found there. It may stand
        # under a second name too, as it does once multiprocessing has been imported.
        main = sys.modules.get("__main__")
        for name, module in sys.modules.copy().items():
            attribute = None if module is main else _attribute_with(module, variable)
            if attribute is not None:
                return name, attribute
        attribute = _attribute_with(main, variable)
        if attribute is not None:
            return "__main__", attribute, origin.token, variable.name
        return None


def _attribute_with(module: object, variable: ContextVar[Any]) -> str | None:
    try:
        # Not through the module's own type: that of a lazy one would import it now.
        names = object.__getattribute__(module, "__dict__")
    except AttributeError:
        return None  # anything can be in sys.modules
    for name, value in names.copy().items():
        if value is variable:
            return str(name)
    return None


_variables = _Variables()


def reduce_variable(variable: ContextVar[Any]) -> tuple[Callable[..., object], tuple[object, ...]]:
    """Reduce a variable to its home, for the dispatch table of a pickler.

    Raises
    ------
    PicklingError
        If it is no module's attribute.
    """
    home = _variables.home_of(variable)
    if home is None:
        raise PicklingError(
            f"the context variable {variable.name!r} is not an attribute of a module, by which a "
            "worker could find it: make it at the top level of a module"
        )
    default: tuple[object, ...] = ()
    if home[0] == "__main__":
        default = _default_of(variable)
    return variable_at, (home, default)


def _default_of(variable: ContextVar[Any]) -> tuple[object, ...]:
    try:
        return (Context().run(variable.get),)
    except LookupError:
        return ()


def variable_at(home: Home, default: tuple[object, ...]) -> ContextVar[Any]:
    """Return the variable with this home; a pickled one is rebuilt by this."""
    return _variables.at(home, default)


def pack_variables(context: Context) -> tuple[PackedVariable, ...]:
    """Return the values that context variables have in the present context, for a worker.

    What cannot be found by name, or not be pickled, is left out, with one log record for each
    variable at debug level.
    """
    packed = [
        _pack(variable, value)
        for variable, value in context.items()
        if not variable.name.startswith(_NOT_OURS_TO_SEND)
    ]
    return tuple(one for one in packed if one is not None)


def _pack(variable: ContextVar[Any], value: object) -> PackedVariable | None:
    is_special, special = pack_special(variable.name)
    if is_special:
        return None if special is None else (variable.name, special)
    home = _variables.home_of(variable)
    if home is None:
        _left_out(variable, "it is not an attribute of a module")
        return None
    try:
        return home, dumps(value)
    except Exception as error:  # noqa: BLE001  a user's __reduce__ may raise anything
        _left_out(variable, f"its value cannot be pickled ({type(error).__name__}: {error})")
        return None


def unpack_variables(packed: tuple[PackedVariable, ...]) -> None:
    """Set variables in the present context."""
    for home, value in packed:
        try:
            if isinstance(home, str):
                unpack_special(home, value)
            else:
                _variables.at(home).set(loads(value))
        except Exception as error:  # noqa: BLE001  a user's module or class may raise anything
            _not_set(home, error)


_told: set[object] = set()
"""The variables of which was told already that they do not travel."""


def _left_out(variable: ContextVar[Any], why: str) -> None:
    _tell_once(variable, f"the context variable {variable.name!r} stays behind: {why}")


def _not_set(home: Home | str, error: Exception) -> None:
    name = home if isinstance(home, str) else ".".join(home[:2])
    _tell_once(
        home, f"the context variable {name} is not set here: {type(error).__name__}: {error}"
    )


def _tell_once(which: object, text: str) -> None:
    logging = sys.modules.get("logging")
    if logging is None or which in _told:
        return  # who did not import it did not ask for records either
    _told.add(which)
    logging.getLogger("fanfold").debug("%s", text)
