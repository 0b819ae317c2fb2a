"""Small values that never change.

Dataclasses would do the same, but importing them takes a third of the time until the first result.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["Value"]


class Value:
    """A value: equal to those of its class that hold the same, and never changed.

    A subclass lists its attributes in ``__slots__``, and its constructor hands them all to `_hold`.
    """

    __slots__: tuple[str, ...] = ()

    def _hold(self, **attributes: object) -> None:
        for name, value in attributes.items():
            object.__setattr__(self, name, value)

    def _attributes(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__slots__}

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(
            f"{type(self).__name__}.{name} cannot be set, because such a value never changes: make "
            "a new one"
        )

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._attributes() == other._attributes()

    def __hash__(self) -> int:
        return hash((type(self), *self._attributes().values()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self._attributes().items())
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> tuple[object, ...]:
        return _make, (type(self), self._attributes())


def _make(kind: type[Value], attributes: dict[str, object]) -> Value:
    return kind(**attributes)
