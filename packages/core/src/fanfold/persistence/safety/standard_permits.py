"""What pickles of plain values import: types of the standard library that only hold data.

They are permitted in every file, for the calls that picklers write and no others: a ``bytearray``
of bytes, for example, but not one of a trillion zeros.
"""

from __future__ import annotations

from functools import partial

from .permit import NAMED_ONLY, Permit, Refused, check_plain, copy_once, no_state
from .symbols import Call, Data, DictOf, Global, ListOf, Symbol, TupleOf

__all__ = ["STANDARD_PERMITS"]

_LATIN = ("latin1", "latin-1", "iso8859-1")


def _refuse_keywords(keywords: DictOf | None) -> None:
    if keywords is not None and keywords.items:
        raise Refused("keywords")


def _plain(call: Call, keywords: DictOf | None) -> Call:
    _refuse_keywords(keywords)
    check_plain(call.arguments)
    return call


def _integers(call: Call, keywords: DictOf | None, *, optional: bool = False) -> Call:
    _refuse_keywords(keywords)
    for argument in call.arguments:
        if type(argument) is not int and not (optional and argument is None):
            raise Refused("something other than whole numbers")
    return call


def _slice(call: Call, keywords: DictOf | None) -> Call:
    _refuse_keywords(keywords)
    return call


def _date(call: Call, keywords: DictOf | None) -> Call:
    _refuse_keywords(keywords)
    check_plain(call.arguments, Call)
    for argument in call.arguments:
        if type(argument) is Call and argument.function.module != "datetime":
            raise Refused(f"a result of {argument.function}")
    return call


def _copy_of(kind: type, call: Call, keywords: DictOf | None) -> Call:
    """Permit a call with nothing, or with one collection that was written for it."""
    _refuse_keywords(keywords)
    if call.arguments:
        if len(call.arguments) != 1 or type(call.arguments[0]) is not kind:
            raise Refused("something other than its items")
        copy_once(call.arguments[0])
    return call


def _pairs(call: Call, keywords: DictOf | None) -> Call:
    _copy_of(ListOf, call, keywords)
    for pair in call.arguments[0].items if call.arguments else ():
        if not isinstance(pair, ListOf | TupleOf) or len(pair.items) != 2:
            raise Refused("items that are no pairs")
    return call


def _deque(call: Call, keywords: DictOf | None) -> Call:
    _refuse_keywords(keywords)
    items, longest = (*call.arguments, None, None)[:2]
    if len(call.arguments) > 2 or not (longest is None or type(longest) is int):
        raise Refused("something other than no items and a length")
    if isinstance(items, ListOf):
        copy_once(items)
    elif not (items is None or (isinstance(items, TupleOf) and not items.items)):
        raise Refused("something other than no items and a length")
    return call


def _factory(call: Call, keywords: DictOf | None) -> Call:
    _refuse_keywords(keywords)
    if len(call.arguments) > 1 or not all(
        argument is None or type(argument) is Global for argument in call.arguments
    ):
        raise Refused("something other than a class or function")
    return call


def _encoded(call: Call, keywords: DictOf | None) -> Symbol:
    """Permit what older protocols write for bytes: text in Latin-1."""
    _refuse_keywords(keywords)
    if len(call.arguments) != 2 or call.arguments[1] not in _LATIN:
        raise Refused("something other than a text and 'latin1'")
    text = call.arguments[0]
    if type(text) is str:
        return text.encode("latin-1", "replace")
    if type(text) is not Data:
        raise Refused("something other than a text and 'latin1'")
    copy_once(text)
    return Data(text.size)


def _no_bytes(call: Call, keywords: DictOf | None) -> Symbol:
    """Permit what older protocols write for bytes of which there are none."""
    _refuse_keywords(keywords)
    if call.arguments:
        raise Refused("something")
    return b""


def _bytearray(call: Call, keywords: DictOf | None) -> Symbol:
    _refuse_keywords(keywords)
    if not call.arguments:
        return Data()
    content, *encoding = call.arguments
    if type(content) not in (str, bytes, Data) or encoding not in (
        [],
        *([name] for name in _LATIN),
    ):
        raise Refused("something other than bytes")
    copy_once(content)
    return Data(content.size if type(content) is Data else len(content))


def _reconstructor(call: Call, keywords: DictOf | None) -> Symbol:
    """Permit what the oldest protocols write for an object of a class."""
    _refuse_keywords(keywords)
    if len(call.arguments) != 3 or not all(type(one) is Global for one in call.arguments[:2]):
        raise Refused("something other than a class, its base and a value")
    made, base, value = call.arguments
    if type(value) is Call or (type(value) is int and base.name not in ("int", "float")):
        raise Refused("a value that is not of that base")
    # What it returns is an object of the class, and subject to what that permits.
    return made.permit.call(Call(made, TupleOf([] if value is None else [value])), None)


_PLAIN = Permit(_plain, no_state)
_DATE = Permit(_date, no_state)

STANDARD_PERMITS: dict[tuple[str, str], Permit] = {
    ("builtins", "complex"): _PLAIN,
    ("builtins", "range"): Permit(_integers, no_state),
    ("builtins", "slice"): Permit(_slice, no_state),
    ("builtins", "set"): Permit(partial(_copy_of, ListOf), no_state),
    ("builtins", "frozenset"): Permit(partial(_copy_of, ListOf), no_state),
    ("builtins", "bytearray"): Permit(_bytearray, no_state),
    ("builtins", "bytes"): Permit(_no_bytes, no_state),
    ("_codecs", "encode"): Permit(_encoded, no_state),
    ("copyreg", "_reconstructor"): Permit(_reconstructor, no_state),
    ("collections", "OrderedDict"): Permit(_pairs, no_state, grows=True),
    ("collections", "Counter"): Permit(partial(_copy_of, DictOf), no_state, grows=True),
    ("collections", "deque"): Permit(_deque, no_state, grows=True),
    ("collections", "defaultdict"): Permit(_factory, no_state, grows=True),
    ("decimal", "Decimal"): _PLAIN,
    **{("datetime", name): _DATE for name in ("date", "time", "datetime", "timedelta", "timezone")},
    **{
        (module, name): _PLAIN
        for module in ("pathlib", "pathlib._local")
        for name in (
            "PurePath",
            "PurePosixPath",
            "PureWindowsPath",
            "Path",
            "PosixPath",
            "WindowsPath",
        )
    },
    **{
        ("builtins", name): NAMED_ONLY
        for name in (
            "Ellipsis",
            "NotImplemented",
            "bool",
            "dict",
            "float",
            "int",
            "list",
            "object",
            "str",
            "tuple",
        )
    },
}
