"""Whether a fingerprint can have changed, found out without hashing.

Some things never change: numbers, text, code. Functions and classes of the user's project can, but
only by having another object somewhere (a new default, a global bound anew), which is seen by
comparing identities. Everything else, such as a list, may change unseen and must be hashed again.
"""

from __future__ import annotations

from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType

from ._functions import (
    cell_contents,
    class_parts,
    function_parts,
    global_reads,
    is_library_function,
)
from ._names import is_library_module
from ._words import Guarded, Tagged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import CellType
    from typing import Any

__all__ = ["Steadiness"]

_NEVER_CHANGING = frozenset(
    {str, int, bool, float, complex, bytes, type(None), type(...), range, CodeType, ModuleType}
)
_ABSENT = object()


class Steadiness:
    """The places where the parts of functions and classes are, and what was there."""

    def __init__(self) -> None:
        self._ids: set[int] = set()
        self._functions: list[tuple[FunctionType, object, object, object]] = []
        self._cells: list[tuple[CellType, object]] = []
        self._classes: list[tuple[Mapping[str, object], int]] = []
        self._entries: list[tuple[Mapping[str, object], str, object]] = []

    def holds(self) -> bool:
        """Tell whether in every place there is still the same object."""
        for mapping, key, value in self._entries:
            if mapping.get(key, _ABSENT) is not value:
                return False
        for function, code, defaults, keyword_defaults in self._functions:
            if (
                function.__code__ is not code
                or function.__defaults__ is not defaults
                or function.__kwdefaults__ is not keyword_defaults
            ):
                return False
        for cell, contents in self._cells:
            if cell_contents(cell) is not contents:
                return False
        for members, n_members in self._classes:  # noqa: SIM110  a generator takes 0.3 µs to begin
            if len(members) != n_members:
                return False
        return True

    def watch(self, function: FunctionType) -> list[str]:
        """Watch a function's parts, and return the names of those that may change unseen."""
        self._ids.add(id(function))
        self._functions.append(
            (function, function.__code__, function.__defaults__, function.__kwdefaults__)
        )
        self._cells += ((cell, cell_contents(cell)) for cell in function.__closure__ or ())
        self._watch_entries(function.__kwdefaults__ or {})
        self._watch_entry(vars(function), "__wrapped__")
        for _, mapping, key in global_reads(function):
            self._watch_entry(mapping, key)
        parts = function_parts(function)
        return [name for name, part in parts.items() if not self.is_steady(part)]

    def is_steady(self, obj: Any) -> bool:
        """Tell whether the hash of `obj` can change only where it is watched, and watch there."""
        kind = type(obj)
        if kind in _NEVER_CHANGING or id(obj) in self._ids:
            return True
        if kind is Guarded or kind is Tagged:
            return self.is_steady(obj.value)
        if kind is tuple or kind is frozenset:
            return all(map(self.is_steady, obj))
        if kind is FunctionType:
            return is_library_function(obj) or not self.watch(obj)
        if kind is BuiltinFunctionType:
            return is_library_function(obj)
        if isinstance(obj, type):
            return is_library_module(obj.__module__) or self._is_steady_class(obj)
        if kind is staticmethod or kind is classmethod:
            return self.is_steady(obj.__func__)
        if kind is property:
            return self.is_steady((obj.fget, obj.fset, obj.fdel))
        return False

    def _is_steady_class(self, cls: type) -> bool:
        self._ids.add(id(cls))
        self._classes.append((vars(cls), len(vars(cls))))
        self._watch_entries(vars(cls))
        return all(map(self.is_steady, class_parts(cls).values()))

    def _watch_entries(self, mapping: Mapping[str, object]) -> None:
        for key in mapping:
            self._watch_entry(mapping, key)

    def _watch_entry(self, mapping: Mapping[str, object], key: str) -> None:
        self._entries.append((mapping, key, mapping.get(key, _ABSENT)))
