"""What users have been told already, so that they are told once."""

from __future__ import annotations

import warnings

from ..errors import FanfoldWarning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._words import Guarded

__all__ = ["tell_once"]


class _Told:
    """The warnings given in this process, by function and part; its life is the process's."""

    def __init__(self) -> None:
        self._parts: set[tuple[str, str]] = set()

    def is_news(self, guarded: Guarded) -> bool:
        key = (guarded.owner, guarded.part)
        news = key not in self._parts
        self._parts.add(key)
        return news


_TOLD = _Told()


def tell_once(guarded: Guarded, culprit: str, reason: str) -> None:
    """Warn that a part of a function cannot be fingerprinted, the first time that it is met."""
    if _TOLD.is_news(guarded):
        warnings.warn(
            f"the fingerprint of {guarded.owner}() knows only the type of its {guarded.part}, so "
            f"a change of its value will not be noticed: {culprit} has no value to hash "
            f"({reason}). Pass it as an argument, or pin the function with "
            "Memory.cache(version=...) and change that when results change; "
            "fanfold.hashing.explain() shows all that counts",
            FanfoldWarning,
            stacklevel=2,
        )
