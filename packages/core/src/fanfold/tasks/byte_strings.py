"""Large byte strings, which travel beside the pickle stream as arrays do.

No pickler asks how bytes or a bytearray should be pickled, so they are wrapped beforehand: what a
task is given, or returns, as such; not what is inside of something else.
"""

from __future__ import annotations

from _pickle import PickleBuffer

from .pickling import ATOMS, OUT_OF_BAND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    ByteString: TypeAlias = bytes | bytearray

__all__ = ["is_large", "wrap", "wrap_arguments"]


class _Beside:
    """Stands for a byte string, and is pickled as one whose memory leaves the stream."""

    __slots__ = ("_value",)

    def __init__(self, value: ByteString) -> None:
        self._value = value

    def __reduce__(self) -> tuple[type[ByteString], tuple[PickleBuffer]]:
        return type(self._value), (PickleBuffer(self._value),)


def is_large(value: object) -> bool:
    """Tell whether a value is a byte string that should not travel in the stream."""
    return type(value) in (bytes, bytearray) and len(value) >= OUT_OF_BAND  # type: ignore[arg-type]


def wrap(value: object) -> object:
    """Return what to pickle in the place of a large byte string."""
    return _Beside(value)  # type: ignore[arg-type]  # it is a byte string: see `is_large`


def wrap_arguments(
    args: Sequence[object], kwargs: Mapping[str, object]
) -> tuple[Sequence[object], Mapping[str, object]]:
    """Return arguments with the large byte strings among them wrapped.

    A bytearray is left as it is where it might be part of another argument too: the task would find
    two of them.
    """
    values = (*args, *kwargs.values())
    if not any(map(is_large, values)):
        return args, kwargs
    kinds = set(map(type, values))
    wrapped = {
        id(value): wrap(value)  # one that is there twice is one thing to the pickler too
        for value in values
        if is_large(value) and (type(value) is bytes or kinds <= ATOMS | {bytearray})
    }
    return (
        tuple(wrapped.get(id(value), value) for value in args),
        {name: wrapped.get(id(value), value) for name, value in kwargs.items()},
    )
