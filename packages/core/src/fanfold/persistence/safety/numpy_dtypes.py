"""Whether a pickle describes a dtype that numpy could have.

numpy believes what it reads: a dtype whose fields lie outside of it, or one of plain bytes whose
flags say that they are objects, make it read and write where there is nothing of it.
"""

from __future__ import annotations

import re
from math import prod

from .permit import Refused, Unknown
from .symbols import ArrayShape, Call, Data, DictOf, Global, Symbol, TupleOf, TypeOfItems

__all__ = ["array_of", "dtype_of", "new_dtype", "set_dtype", "shape_of"]

_TYPE = re.compile(
    r"[<>|=]?(?:b1|[iu][1248]|f(?:2|4|8|12|16)|c(?:8|16|24|32)|[mM]8|O[48]?|[SUV]\d{0,10})"
)
_POINTER_SIZE = 8
_MOST_DIMENSIONS = 64
_DEEPEST = 32
_LONGEST_TEXT = 200
_MOST_EMPTY_ITEMS = 1 << 20
_LARGEST_ITEM = 1 << 31
_LARGEST_ARRAY = 1 << 62
# Bits of a dtype's flags: what new items need, the interpreter, and C's alignment of fields.
_INIT, _PYTHON, _ALIGNED = 0x08, 0x10, 0x80
_OF_FIELDS_WITH_OBJECTS = 0x1B  # counted references, pickled as lists, and the first two of these
_OF_OBJECTS = 0x3F


def shape_of(symbol: Symbol) -> tuple[int, ...]:
    """Return the shape that a symbol stands for."""
    sizes = symbol.items if type(symbol) is TupleOf else [symbol]
    if len(sizes) > _MOST_DIMENSIONS:
        raise Refused(f"a shape of {len(sizes)} dimensions")
    if not all(type(size) is int and 0 <= size < _LARGEST_ARRAY for size in sizes):
        raise Refused("a shape that is none")
    if prod(size for size in sizes if size) >= _LARGEST_ARRAY:
        raise Refused(f"the shape {tuple(sizes)}")
    return tuple(sizes)


def dtype_of(symbol: Symbol) -> TypeOfItems:
    """Return the dtype that a symbol stands for, which cannot be changed from now on."""
    if type(symbol) is not Call:
        raise Refused("something else in the place of a dtype")
    if type(symbol.meaning) is not TypeOfItems:
        raise Unknown("something else in the place of a dtype")
    symbol.settled = True
    return symbol.meaning


def array_of(dtype: Symbol, shape: Symbol) -> ArrayShape:
    """Return the array that a dtype and a shape describe."""
    array = ArrayShape(dtype_of(dtype), shape_of(shape))
    if not array.dtype.size and prod(array.shape) > _MOST_EMPTY_ITEMS:
        raise Refused(f"the shape {array.shape} for items without content")
    return array


def new_dtype(call: Call, keywords: DictOf | None) -> Call:
    """Permit the call of ``numpy.dtype`` that numpy writes: a name and two flags."""
    if keywords is not None or len(call.arguments) != 3:
        raise Refused("something other than a type and two flags")
    name, align, copy = call.arguments
    if not all(type(flag) in (bool, int) and flag in (0, 1) for flag in (align, copy)):
        raise Refused("something other than a type and two flags")
    call.settled = not copy  # else it is one that all of the process uses
    if type(name) is Global and name.name == "record":
        call.meaning = TypeOfItems("V", None, has_objects=False)
    elif type(name) is str and _TYPE.fullmatch(name):
        call.meaning = _simple(name.lstrip("<>|="))
    elif type(name) is Global:
        raise Unknown("a type that is none of numpy's")
    else:
        raise Refused("a type that is none of numpy's")
    return call


def set_dtype(target: Call, state: Symbol) -> None:
    """Permit the state of a dtype that numpy writes, and take note of what it says."""
    described = target.meaning
    if target.settled:
        raise Refused("it is in use already")
    if type(described) is not TypeOfItems:
        raise Unknown("it is none of numpy's")
    if type(state) is not TupleOf or len(state.items) not in (8, 9):
        raise Refused("it is not made of 8 or 9 parts")
    version, order, base, names, fields, size, alignment, flags = state.items[:8]
    if version != len(state.items) - 5 or not (type(order) is str and order in "<>|="):
        raise Refused(f"it has version {version!r} and byte order {order!r}")
    if not all(type(number) is int for number in (size, alignment, flags)):
        raise Refused("a size or flag is no number")
    if alignment not in (-1, 1, 2, 4, 8, 16, 32, 64):
        raise Refused(f"its alignment is {alignment}")
    if described.text[0] == "V":
        if described.size not in (None, size) or not 0 <= size < _LARGEST_ITEM:
            raise Refused(f"its size is {size}, but it is {described.text!r}")
        made = _compound(base, names, fields, size)
    else:
        if (base, names, fields) != (None, None, None) or size not in (-1, described.size):
            raise Refused(f"{described.text!r} has no parts, nor the size {size}")
        made = described._replace(text=order.strip("|=") + described.text)
    if not _are_flags_of(made, flags & 0xFF):
        raise Refused(f"its flags {flags:#x} do not go with {made.text}")
    _check_metadata(state.items[8] if version == 4 else None, of_time=described.text[0] in "mM")
    target.meaning = made
    target.settled = True


def _simple(text: str) -> TypeOfItems:
    kind, size = text[0], int(text[1:] or 0)
    if kind == "O":
        return TypeOfItems("O", _POINTER_SIZE, has_objects=True)
    if kind == "U":
        size *= 4
    if size >= _LARGEST_ITEM:
        raise Refused(f"the type {text!r}, which is too large")
    return TypeOfItems(text, size, has_objects=False)


def _compound(base: Symbol, names: Symbol, fields: Symbol, size: int) -> TypeOfItems:
    if base is not None:
        if (names, fields) != (None, None):
            raise Refused("it has both fields and a shape")
        return _subarray(base, size)
    if names is None and fields is None:
        return TypeOfItems(f"V{size}", size, has_objects=False)
    return _structured(names, fields, size)


def _subarray(base: Symbol, size: int) -> TypeOfItems:
    if type(base) is not TupleOf or len(base.items) != 2:
        raise Refused("its base is not a dtype and a shape")
    item, shape = dtype_of(base.items[0]), shape_of(base.items[1])
    if (item.size or 0) * prod(shape) != size:
        raise Refused(f"{shape} of {item.text} do not have {size} bytes")
    return item._replace(text=f"{shape} of {item.text}", size=size, depth=_deeper(item.depth))


def _structured(names: Symbol, fields: Symbol, size: int) -> TypeOfItems:
    if type(names) is not TupleOf or type(fields) is not DictOf or fields.used:
        raise Refused("its fields are no dictionary of its own")
    if len(names.items) > len(fields.items):
        raise Refused("it has names without fields")
    fields.used = True
    by_name = fields.by_name()
    if 2 * len(by_name) != len(fields.items):
        raise Refused("the names of its fields are not text, or not different")
    found = {name: _field(field, size) for name, field in by_name.items()}
    if not all(type(name) is str and name in found for name in names.items):
        raise Refused("it has names without fields")
    own = {name: found[name] for name in names.items}
    if len(own) != len(names.items):
        raise Refused("two fields have one name")
    has_objects = any(item.has_objects for item, _ in found.values())
    if has_objects:
        _check_apart(list(own.values()))
    text = ", ".join(f"{name!r}: {item.text}" for name, (item, _) in own.items())
    depth = max((item.depth for item, _ in found.values()), default=0)
    if len(text) > _LONGEST_TEXT:
        text = f"{text[:_LONGEST_TEXT]}..."
    return TypeOfItems(f"{{{text}}}", size, has_objects, has_fields=True, depth=_deeper(depth))


def _field(symbol: Symbol, size: int) -> tuple[TypeOfItems, int]:
    if type(symbol) is not TupleOf or len(symbol.items) not in (2, 3):
        raise Refused("a field is not a dtype and an offset")
    item, offset = dtype_of(symbol.items[0]), symbol.items[1]
    if type(offset) is not int or offset < 0 or offset + (item.size or 0) > size:
        raise Refused(f"a field of {item.size} bytes at {offset!r} is outside of its {size} bytes")
    return item, offset


def _check_apart(fields: list[tuple[TypeOfItems, int]]) -> None:
    """Refuse fields that overlap: one could change the references of another."""
    end = 0
    for item, offset in sorted(fields, key=lambda field: field[1]):
        if offset < end:
            raise Refused("fields with objects overlap")
        end = offset + (item.size or 0)


def _are_flags_of(described: TypeOfItems, flags: int) -> bool:
    """Tell whether numpy gives a dtype such flags; it believes them without looking."""
    if described.has_objects and described.has_fields:
        return flags & ~_ALIGNED == _OF_FIELDS_WITH_OBJECTS
    if described.has_objects:
        return flags == _OF_OBJECTS
    of_fields = _PYTHON | _ALIGNED if described.has_fields else 0
    return not flags & ~(_INIT | of_fields)


def _check_metadata(metadata: Symbol, *, of_time: bool) -> None:
    """Refuse a type of time without its unit, which numpy looks for where there is none."""
    if not of_time:
        if metadata is not None and type(metadata) is not DictOf:
            raise Refused("its metadata are no dictionary")
        return
    parts = metadata.items if type(metadata) is TupleOf else []
    unit = parts[1].items if len(parts) == 2 and type(parts[1]) is TupleOf else []
    if len(unit) != 4 or not (
        isinstance(unit[0], str | bytes | Data)
        and all(type(number) is int and 0 < number < _LARGEST_ITEM for number in unit[1:])
    ):
        raise Refused("its unit of time is none")


def _deeper(depth: int) -> int:
    if depth >= _DEEPEST:
        raise Refused(f"more than {_DEEPEST} dtypes are nested in each other")
    return depth + 1
