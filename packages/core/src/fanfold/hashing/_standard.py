"""Hashers for types of the standard library.

Each says what counts, so that the hash depends neither on how a Python version pickles the type
nor on its private parts. They are registered by name: none of these modules is imported.
"""

from __future__ import annotations

from ._registry import register_hasher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections import OrderedDict, defaultdict, deque
    from collections.abc import Callable, Mapping
    from datetime import date, datetime, time, timedelta
    from decimal import Decimal
    from enum import Enum
    from fractions import Fraction
    from pathlib import PurePath
    from re import Pattern
    from typing import Any
    from zoneinfo import ZoneInfo

__all__: list[str] = []


def _complex(value: complex) -> object:
    return value.real, value.imag


def _slice(value: slice) -> object:
    return value.start, value.stop, value.step


def _memoryview(view: memoryview) -> object:
    return view.format, view.shape, view.tobytes()


def _array(values: array[int]) -> object:
    return values.typecode, values.itemsize, values.tobytes()


def _ordered_dict(mapping: OrderedDict[object, object]) -> object:
    return list(mapping.items())


def _default_dict(mapping: defaultdict[object, object]) -> object:
    return {"default_factory": mapping.default_factory, "items": dict(mapping)}


def _deque(queue: deque[object]) -> object:
    return queue.maxlen, list(queue)


def _mapping(mapping: Mapping[object, object]) -> object:
    return dict(mapping)


def _datetime(moment: datetime) -> object:
    local = moment if moment.tzinfo is None else moment.replace(tzinfo=None)
    return local.isoformat(), moment.fold, moment.tzinfo


def _date(day: date) -> object:
    return day.isoformat()


def _time(moment: time) -> object:
    local = moment if moment.tzinfo is None else moment.replace(tzinfo=None)
    return local.isoformat(), moment.fold, moment.tzinfo


def _timedelta(span: timedelta) -> object:
    return span.days, span.seconds, span.microseconds


def _zone(zone: ZoneInfo) -> object:
    if zone.key is None:
        raise ValueError("a time zone that was read from a file has no name")
    return zone.key


def _decimal(number: Decimal) -> object:
    return tuple(number.as_tuple())


def _fraction(number: Fraction) -> object:
    return number.numerator, number.denominator


def _path(path: PurePath) -> object:
    return str(path)


def _pattern(pattern: Pattern[str]) -> object:
    return pattern.pattern, pattern.flags


def _enum(member: Enum) -> object:
    return member.name, member.value


def _range(value: range) -> object:
    return value.start, value.stop, value.step


_EXACT: dict[str, Callable[[Any], object]] = {
    "array.array": _array,
    "builtins.complex": _complex,
    "builtins.mappingproxy": _mapping,
    "builtins.memoryview": _memoryview,
    "builtins.range": _range,
    "builtins.slice": _slice,
    "collections.Counter": _mapping,
    "collections.OrderedDict": _ordered_dict,
    "collections.defaultdict": _default_dict,
    "collections.deque": _deque,
    "datetime.date": _date,
    "datetime.datetime": _datetime,
    "datetime.time": _time,
    "datetime.timedelta": _timedelta,
    "decimal.Decimal": _decimal,
    "fractions.Fraction": _fraction,
    "re.Pattern": _pattern,
    "zoneinfo.ZoneInfo": _zone,
}
for _name, _function in _EXACT.items():
    # Subclasses may have attributes, which the way through __reduce_ex__ takes along.
    register_hasher(_name, _function, subclasses=False)

register_hasher("enum.Enum", _enum)
register_hasher("pathlib.PurePath", _path)
