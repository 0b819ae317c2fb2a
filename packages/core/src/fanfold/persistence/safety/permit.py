"""What a global of a file may be used for, while its pickle is rehearsed."""

from __future__ import annotations

from typing import NamedTuple

from .symbols import Call, Data, DictOf, Global, ListOf, Symbol, TupleOf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "FREE",
    "NAMED_ONLY",
    "Permit",
    "Refused",
    "Unknown",
    "Unlisted",
    "check_plain",
    "copy_once",
    "free_call",
    "free_state",
    "no_state",
]


class Refused(Exception):  # noqa: N818  it says what is refused, and becomes an error elsewhere
    """A call or a state is not what picklers write."""


class Unlisted(Refused):
    """A call may well be what a pickler writes, but nothing that is trusted asks for it."""


class Unknown(Refused):
    """What a call or state is about is neither Python's nor numpy's, so nothing is known of it."""


def free_call(call: Call, keywords: DictOf | None) -> Symbol:
    """Permit any call."""
    return call


def free_state(target: Call, state: Symbol) -> None:
    """Permit any state."""


def no_call(call: Call, keywords: DictOf | None) -> Symbol:
    """Refuse: the global may be mentioned, but not called."""
    raise Unlisted


def no_state(target: Call, state: Symbol) -> None:
    """Refuse: the result of a call is complete."""
    raise Refused("it has none")


class Permit(NamedTuple):
    """What a global may be used for; mentioning it as a value is always among it.

    Attributes
    ----------
    call : callable
        Takes a call and its keywords; returns what stands for the result, or raises `Refused`.
    state : callable
        Takes what a call returned and the state it is given; raises `Refused`.
    grows : bool, default=False
        Whether items may be put into what a call returns.
    followed_by_data : bool, default=False
        Whether data that is no pickle follows a state: joblib's arrays.
    """

    call: Callable[[Call, DictOf | None], Symbol] = free_call
    state: Callable[[Call, Symbol], None] = free_state
    grows: bool = False
    followed_by_data: bool = False


FREE = Permit(grows=True)
NAMED_ONLY = Permit(no_call, no_state)


def copy_once(symbol: Symbol) -> None:
    """Take note that a call copies what a symbol stands for; refuse a second time.

    Picklers write what is copied anew for each object. A little data with many objects that copy it
    would fill the memory.
    """
    if isinstance(symbol, Data | ListOf | DictOf):
        size = symbol.size if isinstance(symbol, Data) else len(symbol.items)
        if symbol.used and size:
            raise Refused("what another call has taken already")
        symbol.used = symbol.used or bool(size)
    elif not isinstance(symbol, str | bytes):
        raise Refused(f"a {_kind(symbol)} for its content")


def check_plain(arguments: list[Symbol], *classes: type) -> None:
    """Refuse arguments other than numbers, short text and bytes, and what else is given."""
    for argument in arguments:
        if not (argument is None or isinstance(argument, (int, str, bytes, Data, *classes))):
            raise Refused(f"a {_kind(argument)}")


def _kind(symbol: Symbol) -> str:
    if isinstance(symbol, Global):
        return f"global {symbol}"
    if isinstance(symbol, Call):
        return f"result of {symbol.function}"
    names = {TupleOf: "tuple", ListOf: "list", DictOf: "dictionary"}
    return names.get(type(symbol), type(symbol).__name__)
