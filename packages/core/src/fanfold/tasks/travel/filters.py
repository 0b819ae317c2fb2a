"""The filters of warnings: what a task warns of is treated as it would be where its call was made.

They travel without importing anything on the worker: a category by its name, a pattern as text.
Libraries add filters for categories of their own, and to unpickle these would import each library
in each worker.
"""

from __future__ import annotations

import builtins
from _pickle import dumps, loads

from ..pickling import PROTOCOL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from re import Pattern
    from types import ModuleType
    from typing import Any, TypeAlias

    PackedPattern: TypeAlias = str | tuple[str, int] | None
    PackedCategory: TypeAlias = list[tuple[str, str]]
    PackedFilter: TypeAlias = tuple[str, PackedPattern, PackedCategory, PackedPattern, int]
    """As in ``warnings.filters``: action, message, category, module, line number."""

__all__ = ["NamedCategory", "TextPattern", "pack_filters", "put_filters", "rearm"]


class _Packed:
    """The filters that were packed last: they seldom change.

    Attributes
    ----------
    pair : tuple
        The filters as they were, and as they travel. It is read and replaced as a whole, because
        several threads may pack at once.
    """

    def __init__(self) -> None:
        self.pair: tuple[list[Any] | None, bytes] = None, b""


_last = _Packed()


def pack_filters() -> bytes:
    """Return the filters that hold here and now."""
    import warnings

    filters = _filters_in_force(warnings)
    known, packed = _last.pair
    if filters != known:
        filters = list(filters)
        packed = dumps([_pack(one) for one in filters], PROTOCOL)
        _last.pair = filters, packed
    return packed


def _filters_in_force(warnings: ModuleType) -> list[Any]:
    # With sys.flags.context_aware_warnings (Python 3.14), each context may have its own, and only
    # this tells them.
    in_context: Callable[[], list[Any]] | None = getattr(warnings, "_get_filters", None)
    filters: list[Any] = warnings.filters if in_context is None else in_context()
    return filters


def _pack(one: tuple[Any, ...]) -> PackedFilter:
    action, message, category, module, line = one
    # issubclass takes several too, and so does warnings.simplefilter.
    categories = category if isinstance(category, tuple) else (category,)
    names = [(one.__module__, one.__qualname__) for one in categories]
    return action, _pack_pattern(message), names, _pack_pattern(module), line


def _pack_pattern(pattern: Pattern[str] | str | None) -> PackedPattern:
    return (
        pattern if pattern is None or isinstance(pattern, str) else (pattern.pattern, pattern.flags)
    )


def put_filters(packed: bytes) -> Callable[[], object]:
    """Have filters hold in this process, and return what brings back those from before."""
    import warnings

    before = list(warnings.filters)
    _replace(warnings, [_unpack(one) for one in loads(packed)])
    return lambda: _replace(warnings, before)


def rearm() -> None:
    """Have each place warn again that has warned once.

    Which warnings are repeated is for the caller's process to decide, which hears of them from
    several workers, and may have forgotten since the last call.
    """
    import warnings

    _replace(warnings, list(warnings.filters))


def _replace(warnings: ModuleType, filters: list[Any]) -> None:
    warnings.resetwarnings()  # it also has every module forget what it has warned of
    warnings.filters[:] = filters


def _unpack(one: PackedFilter) -> tuple[object, ...]:
    action, message, names, module, line = one
    categories = tuple(_category(*name) for name in names)
    category = categories[0] if len(categories) == 1 else categories
    return action, _unpack_pattern(message), category, _unpack_pattern(module), line


def _unpack_pattern(packed: PackedPattern) -> TextPattern | str | None:
    return TextPattern(*packed) if isinstance(packed, tuple) else packed


def _category(module: str, name: str) -> type:
    if module == "builtins":
        found: type = getattr(builtins, name)
        return found
    return NamedCategory(name, (Warning,), {"__module__": module, "__qualname__": name})


class NamedCategory(type):
    """A category that stands in for the one with the same module and name, imported or not."""

    def __subclasscheck__(cls, category: type) -> bool:
        """Tell whether a category is that one, or derived from it."""
        return any(
            base.__qualname__ == cls.__qualname__ and base.__module__ == cls.__module__
            for base in category.__mro__
        )


class TextPattern:
    """A regular expression that is compiled when it is first used.

    Attributes
    ----------
    pattern : str
        Its text.
    flags : int
        Its flags.
    """

    __slots__ = ("_match", "flags", "pattern")

    def __init__(self, pattern: str, flags: int) -> None:
        self.pattern = pattern
        self.flags = flags
        self._match: Callable[[str], object] | None = None

    def match(self, text: str) -> object:
        """Return what the compiled pattern's method of this name does."""
        if self._match is None:
            import re

            self._match = re.compile(self.pattern, self.flags).match
        return self._match(text)
