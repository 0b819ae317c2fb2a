"""What numpy's pickles import, and the calls and states that numpy's own pickles have.

numpy trusts its pickles with memory: what it would not check itself is checked here.
"""

from __future__ import annotations

from functools import partial
from math import prod

from .numpy_dtypes import array_of, dtype_of, new_dtype, set_dtype, shape_of
from .permit import (
    NAMED_ONLY,
    Permit,
    Refused,
    Unknown,
    Unlisted,
    copy_once,
    free_call,
    free_state,
    no_state,
)
from .symbols import ArrayShape, Call, Data, DictOf, Global, ListOf, Symbol, TupleOf

__all__ = ["JOBLIB_ARRAY", "guarded_permit", "is_type_of_items", "numpy_permit"]

_WORDS_OF_MT19937 = 624
_WORDS_OF_PHILOX = 4
_LARGEST_CONVERTED = 1 << 10


def numpy_permit(module: str, name: str) -> Permit | None:
    """Return what a global of numpy's pickles may be used for, or None if they have none such."""
    return _PERMITS.get((module.replace("numpy.core.", "numpy._core."), name))


def guarded_permit(module: str, name: str) -> Permit | None:
    """Return the permit of what numpy crashes on where it is described wrongly, or else None."""
    if name in _GENERATORS:
        return Permit(free_call, _set_generator)
    return numpy_permit(module, name) if name in _BELIEVED else None


def is_type_of_items(module: str, name: str) -> bool:
    """Tell whether this is a type of items, or a function of items such as ``numpy.add``."""
    if module not in ("numpy", "numpy.dtypes"):
        return False
    import numpy

    found = getattr(numpy.dtypes if module == "numpy.dtypes" else numpy, name, None)
    is_type = isinstance(found, type) and issubclass(found, numpy.generic | numpy.dtype)
    return is_type or isinstance(found, numpy.ufunc)


def _arguments(call: Call, keywords: DictOf | None, count: int) -> list[Symbol]:
    if keywords is not None or len(call.arguments) != count:
        raise Refused(f"{len(call.arguments)} arguments in the place of {count}")
    return call.arguments


# Arrays


def _array_of_buffer(call: Call, keywords: DictOf | None) -> Call:
    buffer, dtype, shape, order = _arguments(call, keywords, 4)
    array = array_of(dtype, shape)
    if array.dtype.has_objects:
        raise Refused("a dtype with objects, which no buffer has")
    if order not in ("C", "F"):
        raise Refused("an order that is neither 'C' nor 'F'")
    copy_once(buffer)
    if isinstance(buffer, Data) and buffer.is_buffer and buffer.size != array.size:
        raise Refused(f"a buffer of {buffer.size} bytes for an array of {array.size}")
    call.meaning = array
    call.settled = True
    return call


def _empty_array(call: Call, keywords: DictOf | None, *, count: int = 3) -> Call:
    *classes, shape, _ = _arguments(call, keywords, count)
    if not all(type(one) is Global for one in classes):
        raise Unknown("something that is no class")
    if prod(shape_of(shape)):
        raise Refused("a shape that is not empty")
    return call


def _set_array(target: Call, state: Symbol) -> None:
    if target.settled:
        raise Refused("the array is in use already")
    subclass = target.arguments[0]
    if type(subclass) is Global and subclass.permit in (NAMED_ONLY, _MASKED_ARRAY):
        _set_content(target, state)
    elif type(state) is TupleOf:
        # A class of the user's own may add to numpy's state, or wrap it.
        for part in [state, *state.items]:
            if type(part) is TupleOf and _looks_like_content(part):
                _set_content(target, part)
    target.settled = True


def _looks_like_content(state: TupleOf) -> bool:
    return len(state.items) >= 4 and any(
        type(part) is Call and part.function.permit is _DTYPE for part in state.items[1:3]
    )


def _set_content(target: Call, state: Symbol) -> None:
    if type(state) is not TupleOf or len(state.items) < 4:
        raise Refused("it is not made of a version, shape, dtype, order and content")
    parts = state.items[1:] if type(state.items[0]) is int else state.items
    if len(parts) < 4:
        raise Refused("it is not made of a version, shape, dtype, order and content")
    array = array_of(parts[1], parts[0])
    content = parts[3]
    if type(content) is Call:
        raise Unknown("its content is not made of bytes")
    if array.dtype.has_objects:
        if type(content) is not ListOf or len(content.items) != prod(array.shape):
            raise Refused(f"its content is no list of {prod(array.shape)} objects")
    elif not isinstance(content, bytes | str | Data):
        raise Refused("its content is not made of bytes")
    copy_once(content)
    target.meaning = array


def _set_masked_array(target: Call, state: Symbol) -> None:
    _set_array(target, state)
    if type(state) is not TupleOf or len(state.items) != 7:
        raise Unknown("it is not made of 7 parts")
    copy_once(state.items[5])


def _scalar(call: Call, keywords: DictOf | None) -> Call:
    dtype, content = _arguments(call, keywords, 2)
    if dtype_of(dtype).has_objects or not isinstance(content, bytes | str | Data):
        raise Refused("content that is not made of bytes")
    copy_once(content)
    return call


def _masked_array(call: Call, keywords: DictOf | None) -> Call:
    """Permit what arrays with a mask are made of, where numpy need not convert any of it."""
    data, mask, *without_copy, fill_value, keeps, is_hard, shrinks = _arguments(call, keywords, 10)
    array = _array_meant(data)
    if array is None:
        raise Refused("something that is no array")
    masking = _array_meant(mask)
    if masking is None:
        is_none = type(mask) is Call and mask.function.name == "scalar"
        if not (is_none and mask.arguments[1] == b"\0"):
            raise Refused("something that is no mask")
    elif (masking.dtype.text, masking.shape) != ("b1", array.shape):
        raise Refused("a mask of another type or shape")
    if without_copy != [None, False, True, 0]:
        raise Refused("another way to take its data than as they are")
    if fill_value is not None:
        fill = _array_meant(fill_value)
        if fill is None or fill.shape != ():
            raise Refused("a fill value that is no single item")
        if fill.dtype != array.dtype and (array.dtype.size or 0) > _LARGEST_CONVERTED:
            raise Refused("a fill value to make much of")
    if not all(type(setting) is bool for setting in (keeps, is_hard, shrinks)):
        raise Refused("settings that are neither true nor false")
    return call


def _getattr(call: Call, keywords: DictOf | None) -> Global:
    """Permit what the pickles of matrices and records look up: ``numpy.ndarray.view``."""
    owner, name = _arguments(call, keywords, 2)
    if type(owner) is not Global or str(owner) != "numpy.ndarray" or name != "view":
        raise Unlisted
    return Global("numpy", "ndarray.view", Permit(_view, no_state))


def _view(call: Call, keywords: DictOf | None) -> Call:
    array, subclass = _arguments(call, keywords, 2)
    if type(array) is not Call or type(array.meaning) is not ArrayShape:
        raise Refused("something that is no array")
    if type(subclass) is not Global or subclass.name not in ("matrix", "recarray"):
        raise Refused("something other than numpy.matrix or numpy.recarray")
    return call


def _set_joblib_array(target: Call, state: Symbol) -> None:
    if target.settled or type(state) is not DictOf:
        raise Refused("the array is described already, or not by a dictionary")
    described = state.by_name()
    if type(described.get("subclass")) is not Global or described.get("order") not in ("C", "F"):
        raise Refused("it names no class or no order")
    target.meaning = array_of(described.get("dtype"), described.get("shape"))
    target.settled = True


# Generators of random numbers


def _new_bit_generator(call: Call, keywords: DictOf | None) -> Call:
    (kind,) = _arguments(call, keywords, 1)
    name = kind.name if type(kind) is Global else kind
    if type(name) is not str or name not in _BIT_GENERATORS:
        raise Refused("something that is no kind of bit generator")
    return call


def _new_generator(call: Call, keywords: DictOf | None) -> Call:
    if keywords is not None or not 0 < len(call.arguments) < 3:
        raise Refused("something other than a bit generator")
    source, *maker = call.arguments
    is_made = type(source) is Call and source.function.name == "__bit_generator_ctor"
    if not (is_made or (type(source) is str and source in _BIT_GENERATORS)):
        raise Refused("something that is no bit generator")
    if maker and not (type(maker[0]) is Global and maker[0].name == "__bit_generator_ctor"):
        raise Refused("something else to make bit generators with")
    return call


def _set_generator(target: Call, state: Symbol) -> None:
    """Permit a state; numpy would take positions that lie outside of its tables."""
    described = state.items[0] if type(state) is TupleOf and state.items else state
    inner = described.by_name().get("state") if type(described) is DictOf else None
    if state is None:
        return
    if type(inner) is not DictOf:
        raise Unknown("it is no dictionary")
    words = {**described.by_name(), **inner.by_name()}
    _check_position(words.get("pos"), _WORDS_OF_MT19937)
    _check_position(words.get("buffer_pos"), _WORDS_OF_PHILOX)
    if "pos" in words and _shape_of_array(words.get("key")) != (_WORDS_OF_MT19937,):
        raise Refused(f"its key is no array of {_WORDS_OF_MT19937} numbers")


def _check_position(position: Symbol, last: int) -> None:
    if position is not None and not (type(position) is int and 0 <= position <= last):
        raise Refused(f"its position is {position!r}, not one from 0 to {last}")


def _shape_of_array(symbol: Symbol) -> tuple[int, ...] | None:
    array = _array_meant(symbol)
    return None if array is None else array.shape


def _array_meant(symbol: Symbol) -> ArrayShape | None:
    described = symbol.meaning if type(symbol) is Call else None
    return described if isinstance(described, ArrayShape) else None


def _new_seed(call: Call, keywords: DictOf | None) -> Call:
    kind, version, _ = _arguments(call, keywords, 3)
    if type(kind) is not Global or kind.name != "SeedSequence" or type(version) is not int:
        raise Refused("something other than its class and version")
    return call


def _new_object(call: Call, keywords: DictOf | None) -> Call:
    _arguments(call, keywords, 0)
    return call


_BELIEVED = frozenset(
    {
        *("dtype", "_reconstruct", "_mareconstruct", "_frombuffer"),
        *("ndarray", "matrix", "memmap", "recarray"),
    }
)
_GENERATORS = frozenset({"__bit_generator_ctor", "__generator_ctor", "__randomstate_ctor"})
JOBLIB_ARRAY = Permit(_new_object, _set_joblib_array, followed_by_data=True)
_DTYPE = Permit(new_dtype, set_dtype)
_MASKED_ARRAY = Permit(_masked_array, no_state)
_GENERATOR = Permit(_new_generator, _set_generator)
_BIT_GENERATORS = {
    "MT19937": "_mt19937",
    "PCG64": "_pcg64",
    "PCG64DXSM": "_pcg64",
    "Philox": "_philox",
    "SFC64": "_sfc64",
}
"""The modules of bit generators by their names."""

_PERMITS: dict[tuple[str, str], Permit] = {
    ("numpy", "dtype"): _DTYPE,
    ("numpy._core.numeric", "_frombuffer"): Permit(_array_of_buffer, no_state),
    ("numpy._core.multiarray", "_reconstruct"): Permit(_empty_array, _set_array),
    ("numpy._core.multiarray", "scalar"): Permit(_scalar, no_state),
    ("numpy.ma.core", "_mareconstruct"): Permit(partial(_empty_array, count=4), _set_masked_array),
    ("numpy.ma", "MaskedArray"): _MASKED_ARRAY,
    ("numpy.ma.core", "MaskedArray"): _MASKED_ARRAY,
    ("builtins", "getattr"): Permit(_getattr, no_state),
    ("numpy.random._pickle", "__bit_generator_ctor"): Permit(_new_bit_generator, _set_generator),
    ("numpy.random._pickle", "__generator_ctor"): _GENERATOR,
    ("numpy.random._pickle", "__randomstate_ctor"): _GENERATOR,
    ("numpy.random.bit_generator", "__pyx_unpickle_SeedSequence"): Permit(_new_seed, free_state),
    **{
        (module, name): NAMED_ONLY
        for module, *names in [
            ("numpy", "ndarray", "memmap", "matrix", "recarray", "record"),
            ("numpy._core.memmap", "memmap"),
            ("numpy._core.records", "recarray", "record"),
            ("numpy.rec", "recarray", "record"),
            ("numpy.matrixlib.defmatrix", "matrix"),
            ("numpy.random.bit_generator", "SeedSequence"),
            # Functions that estimators keep as settings.
            ("numpy", "amax", "amin", "max", "mean", "median", "min", "prod", "std", "sum", "var"),
        ]
        for name in names
    },
    **{(f"numpy.random.{module}", name): NAMED_ONLY for name, module in _BIT_GENERATORS.items()},
    **{
        (f"numpy.polynomial.{module}", name): Permit(_new_object, free_state)
        for module, name in [
            ("chebyshev", "Chebyshev"),
            ("hermite", "Hermite"),
            ("hermite_e", "HermiteE"),
            ("laguerre", "Laguerre"),
            ("legendre", "Legendre"),
            ("polynomial", "Polynomial"),
        ]
    },
}
