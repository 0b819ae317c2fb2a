"""``explain``: what the fingerprint of a function is made of, for people."""

from __future__ import annotations

from reprlib import Repr
from types import CodeType, FunctionType, ModuleType

from ._encoder import Encoder
from ._fingerprint import fingerprint, make_encoder, parts_of
from ._functions import class_parts, function_parts, is_library_function
from ._names import is_library_module, qualified_name
from ._plain import NOT_PLAIN, plain
from ._versions import version_of
from ._words import Guarded, Tagged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["explain"]

_DIGITS = 8
_BRIEF = Repr()
_BRIEF.maxstring = _BRIEF.maxlong = 50


def explain(function: object, version: str | int | None = None) -> str:
    """Return what the fingerprint of a function is made of, as a text to read.

    A line for each part that counts: what it is to the function, the beginning of its hash, and
    what it is. Under functions and classes of the user's own project stand their own parts,
    indented, where they are met first. So two such texts, of yesterday and of today, differ where
    the function changed. It is made for people: its layout may change.

    Parameters
    ----------
    function, version
        As for :func:`fingerprint`.

    Returns
    -------
    str
        Lines, the first of which has the name and the fingerprint of the function.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        As :func:`fingerprint` does.

    Warns
    -----
    fanfold.errors.FanfoldWarning
        As :func:`fingerprint` does.

    Examples
    --------
    >>> from fanfold.hashing import explain
    >>> def add(amount):
    ...     return lambda x: x + amount
    >>> print(explain(add(2)))  # doctest: +ELLIPSIS
    add.<locals>.<lambda>  ...
      closure amount  ...  2
      code            ...  bytecode
      name            ...  'add.<locals>.<lambda>'
    """
    digest = fingerprint(function, version).digest
    parts = parts_of(function) if version is None else {"version": version}
    lines = _Explainer(function, make_encoder()).lines(parts, "  ")
    return "\n".join([f"{_name_of(function)}  {digest[:_DIGITS]}", *lines])


class _Explainer:
    """Describes parts, each function and class once."""

    def __init__(self, function: object, encoder: Encoder) -> None:
        self._encoder = encoder
        self._met = {id(function)}

    def lines(self, parts: Mapping[str, object], indent: str) -> Iterator[str]:
        width = max(map(len, parts))
        for name, part in sorted(parts.items()):
            digest = self._encoder.digest(part).hex()[:_DIGITS]
            value = _unwrapped(part.value if isinstance(part, Guarded) else part)
            unseen = isinstance(part, Guarded) and not self._encoder.has_value(part)
            what = f"{_kind(value)}, by its type only" if unseen else self._description(value)
            yield f"{indent}{name:{width}}  {digest}  {what}"
            inner = _inner_parts(value)
            if inner and id(value) not in self._met:
                self._met.add(id(value))
                yield from self.lines(inner, indent + "  ")

    def _description(self, value: object) -> str:
        if isinstance(value, ModuleType):
            return _with_version("module", value.__name__, value.__name__)
        if isinstance(value, CodeType):
            return "bytecode"
        if isinstance(value, Tagged):
            return value.name
        if isinstance(value, (FunctionType, type)) or is_library_function(value):
            return self._callable(value)
        # Of anything else, what it shows may be long, or tell where it lies in memory.
        return _kind(value) if plain(value) is NOT_PLAIN else _BRIEF.repr(value)

    def _callable(self, value: object) -> str:
        kind = "class" if isinstance(value, type) else "function"
        above = ", as above" if id(value) in self._met else ""
        module = str(getattr(value, "__module__", ""))
        if _inner_parts(value):
            return f"{kind} {getattr(value, '__qualname__', value)}{above}"
        return _with_version(kind, qualified_name(value), module)


def _name_of(function: object) -> str:
    """Return the name of a function, or of the one in a partial, or of the class of an object."""
    named = getattr(function, "func", function)
    return str(getattr(named, "__qualname__", type(function).__qualname__))


def _unwrapped(value: object) -> object:
    """Return the function in what decorators of Python make."""
    for attribute in ("__wrapped__", "__func__", "fget"):
        if not isinstance(value, (FunctionType, type)) and hasattr(value, attribute):
            return getattr(value, attribute)
    return value


def _inner_parts(value: object) -> dict[str, object]:
    """Return the parts of what is followed through."""
    if isinstance(value, FunctionType) and not is_library_function(value):
        return function_parts(value)
    if isinstance(value, type) and not is_library_module(value.__module__):
        return class_parts(value)
    return {}


def _with_version(kind: str, name: str, module: str) -> str:
    version = version_of(module)
    library = module.partition(".")[0]
    return f"{kind} {name} of {library} {version}" if version else f"{kind} {name}"


def _kind(value: object) -> str:
    return f"a {qualified_name(type(value))}"
