"""``fingerprint``: what a function is, and everything that it depends on."""

from __future__ import annotations

from types import FunctionType, MappingProxyType, MethodType
from typing import NamedTuple

from ..errors import InvalidArgumentError
from ._algorithms import algorithm
from ._encoder import Encoder
from ._functions import class_parts, function_parts, is_library_function
from ._plain import NOT_PLAIN, atom
from ._steady import Steadiness
from ._words import Guarded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = [
    "Fingerprint",
    "Fingerprinter",
    "atomic_parts",
    "fingerprint",
    "make_encoder",
    "parts_of",
]


_DEPENDENCIES = ("global ", "closure ", "default ")


class Fingerprint(NamedTuple):
    """What a function depends on, as hashes.

    Attributes
    ----------
    digest : str
        The hash of all parts.
    parts : mapping of str to str
        The hash of each, by what it is to the function: ``"code"``, ``"default x"``,
        ``"closure k"``, ``"global helper"``, ``"global module.helper"`` ...
    """

    digest: str
    parts: Mapping[str, str]


def fingerprint(
    function: object, version: str | int | None = None, *, deps: bool = True
) -> Fingerprint:
    """Return what decides the results of a function, apart from its arguments.

    Two functions have one fingerprint only if they do the same thing with the same things: code
    (without line numbers, names of files, comments and docstrings), defaults, closure, the globals
    that are read, and the functions and classes of the user's own project that are used, followed
    through. Values count by their hash. Functions, classes and modules of installed libraries count
    by name and version. In whose ``__main__``, notebook or module a function stands does not count.

    What has no value to hash, such as a global lock, counts by its type, and a warning says so
    once. Not seen are modules that are imported inside the function, attributes that are looked up
    by computed names, files, the environment, and the code of classes that is reached only through
    an argument. A new minor version of Python gives new fingerprints, because it has new bytecode.

    Parameters
    ----------
    function : callable
        A function, method, ``functools.partial``, class, or instance with ``__call__``. What a
        decorator put around a function is followed to the function itself. Of a bound method, the
        function counts: the instance is an argument.
    version : str or int, optional
        Pins the function: only this counts, and nothing is looked at.
    deps : bool, default=True
        False leaves out what the function depends on: its globals, closure and defaults. Its own
        code counts, and what a ``functools.partial`` holds.

    Returns
    -------
    Fingerprint
        Its digest and its parts.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If `function` cannot be called, or `version` is neither text nor a number.

    Warns
    -----
    fanfold.errors.FanfoldWarning
        Once for each thing that counts by its type only.

    Examples
    --------
    >>> from fanfold.hashing import fingerprint
    >>> def add(amount):
    ...     return lambda x: x + amount
    >>> fingerprint(add(1)) == fingerprint(add(1))
    True
    >>> fingerprint(add(1)) == fingerprint(add(2))
    False
    >>> sorted(fingerprint(add(1)).parts)
    ['closure amount', 'code', 'name']
    """
    if not callable(function) and not isinstance(function, (staticmethod, classmethod)):
        raise InvalidArgumentError(
            f"cannot take the fingerprint of {function!r}: expected a function, or something else "
            "that can be called"
        )
    if version is not None and type(version) not in (str, int):
        raise InvalidArgumentError(f"version={version!r}: expected text or a number, as in '2'")
    counting: dict[str, object] = {"version": version}
    if version is None:
        counting = parts_of(function) if deps else own_parts_of(function)
    encoder = make_encoder()
    parts = {name: encoder.digest(part).hex() for name, part in sorted(counting.items())}
    return Fingerprint(make_encoder().digest(parts).hex(), MappingProxyType(parts))


class Fingerprinter:
    """Gives the fingerprint of one function again and again, for little where nothing changed.

    What cannot change, such as code, numbers and text, is compared by identity; only what can, such
    as a global list or array, is hashed anew. So the answer is never an old one.

    Parameters
    ----------
    function : callable
        As for :func:`fingerprint`. Anything but a function or a method is looked at anew each time.
    version : str or int, optional
        Pins the function, as for :func:`fingerprint`.
    deps : bool, default=True
        Whether what the function depends on counts.
    """

    __slots__ = ("_deps", "_function", "_last", "_last_own", "_pinned")

    def __init__(
        self, function: object, version: str | int | None = None, *, deps: bool = True
    ) -> None:
        self._function = function
        self._deps = deps
        self._last_own: tuple[object, Fingerprint] | None = None
        self._pinned = None if version is None else fingerprint(function, version)
        # One tuple, assigned at once: many threads may ask.
        self._last: tuple[Steadiness, dict[str, object], Fingerprint] | None = None

    def current(self) -> Fingerprint:
        """Return the fingerprint as of now; raises and warns as :func:`fingerprint` does."""
        if self._pinned is not None:
            return self._pinned
        if not self._deps:
            return self._own()
        last = self._last
        if last is not None and _still_holds(*last):
            return last[2]
        function = getattr(self._function, "__func__", self._function)
        if not isinstance(function, FunctionType):
            return fingerprint(function)
        # Watched before it is hashed: what another thread changes meanwhile is seen next time.
        steadiness = Steadiness()
        parts = parts_of(function)
        changing = {name: parts[name] for name in steadiness.watch(function)}
        self._last = steadiness, changing, fingerprint(function)
        return self._last[2]

    def _own(self) -> Fingerprint:
        """Return the fingerprint of the function alone, which only new code changes."""
        code = getattr(getattr(self._function, "__func__", self._function), "__code__", None)
        last = self._last_own
        if code is not None and last is not None and last[0] is code:
            return last[1]
        self._last_own = code, fingerprint(self._function, deps=False)
        return self._last_own[1]


def _still_holds(steadiness: Steadiness, changing: Mapping[str, object], last: Fingerprint) -> bool:
    if not steadiness.holds():
        return False
    if not changing:
        return True
    encoder = make_encoder()
    return all(encoder.digest(part).hex() == last.parts[name] for name, part in changing.items())


def atomic_parts(function: object, version: str | int | None = None) -> dict[str, object]:
    """Return those parts of a function that are numbers or short text, as they are, by their names.

    Parameters
    ----------
    function, version
        As for :func:`fingerprint`.
    """
    parts = parts_of(function) if version is None else {"version": version}
    values = {
        name: part.value if isinstance(part, Guarded) else part for name, part in parts.items()
    }
    return {name: value for name, value in values.items() if atom(value) is not NOT_PLAIN}


def make_encoder() -> Encoder:
    """Return what hashes the parts of functions."""
    return Encoder(algorithm("xxh3_128"), follows_classes=True)


def own_parts_of(function: Any) -> dict[str, object]:
    """Return what anything that can be called consists of, without what it depends on."""
    parts = parts_of(function)
    wrapped = parts.pop("wrapped", None)
    own = {name: part for name, part in parts.items() if not name.startswith(_DEPENDENCIES)}
    if isinstance(wrapped, Guarded):
        own |= {f"wrapped {name}": part for name, part in own_parts_of(wrapped.value).items()}
    return own


def parts_of(function: Any) -> dict[str, object]:
    """Return what anything that can be called depends on."""
    if isinstance(function, FunctionType):
        return {"library": function} if is_library_function(function) else function_parts(function)
    if isinstance(function, (MethodType, staticmethod, classmethod)):
        return parts_of(function.__func__)
    if is_library_function(function):
        return {"library": function}
    if isinstance(function, type):
        return class_parts(function)
    if callable(getattr(function, "func", None)) and hasattr(function, "keywords"):  # a partial
        owner = getattr(function.func, "__qualname__", repr(function.func))
        bound = {"args": function.args, "keywords": function.keywords}
        return {
            **parts_of(function.func),
            **{f"partial {name}": Guarded(part, owner, name) for name, part in bound.items()},
        }
    if callable(getattr(function, "__wrapped__", None)):
        return parts_of(function.__wrapped__)
    call = type(function).__call__
    if isinstance(call, FunctionType):
        name = type(function).__qualname__
        return {**parts_of(call), "instance": Guarded(function, name, "instance")}
    return {"value": function}
