"""Arguments and calls in a few words, for metadata and messages: short however large they are."""

from __future__ import annotations

from reprlib import Repr
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_ARGUMENT = 200
_LARGE = 10**15
_LONGEST_SUMMARY = 2000  # even in JSON, with six bytes for each, it fits into an entry's header


class _ArgumentRepr(Repr):
    """Shortens containers and texts as it goes; arrays and tables are told by their shape.

    ``repr`` of a list of a million numbers takes 80 ms and gives 7 MB, of a data frame 5 ms.
    """

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxstring = self.maxother = self.maxlong = _LONGEST_ARGUMENT
        self.maxdict = self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = 6

    def repr_instance(self, x: object, level: int) -> str:
        """Return a word on an object of any other type; called by :class:`reprlib.Repr`."""
        try:
            shape = getattr(x, "shape", None)
        except Exception:  # noqa: BLE001  a property of the user's may raise anything
            shape = None
        if not isinstance(shape, tuple) or not shape:
            return " ".join(super().repr_instance(x, level).split())  # on one line
        dtype = getattr(x, "dtype", None)
        return f"{type(x).__name__}(shape={shape}{f', dtype={dtype}' if dtype is not None else ''})"


brief = _ArgumentRepr().repr


def summarize_arguments(bound: Mapping[str, object]) -> dict[str, str]:
    """Return a short text for each argument of a call, by its name: of very many, the first."""
    summary = {}
    room = _LONGEST_SUMMARY
    for name, value in bound.items():
        text = repr(value) if _is_short_number(value) else brief(value)
        room -= len(name) + len(text)
        if room < 0:
            break
        summary[name] = text
    return summary


def _is_short_number(value: object) -> bool:
    """Tell whether nothing is to be shortened, which takes reprlib 5 µs to find out."""
    kind = type(value)
    return kind is float or kind is bool or (kind is int and -_LARGE < value < _LARGE)  # type: ignore[operator]  # mypy does not follow `kind`


def summarize_call(name: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> str:
    """Return a call as one would type it, such as ``"square(3, power=2)"``, but shortened."""
    parts = [brief(value) for value in args]
    parts += [f"{key}={brief(value)}" for key, value in kwargs.items()]
    return f"{name}({', '.join(parts)})"
