"""The context variables of numpy and decimal, whose own functions get and set them.

They are in no module, and the value of numpy's cannot be pickled.
"""

from __future__ import annotations

import sys
from _pickle import loads

from ..pickling import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    import decimal
    from collections.abc import Callable

__all__ = ["pack_special", "unpack_special"]


def pack_special(name: str) -> tuple[bool, bytes | None]:
    """Return whether the variable of this name is special, and its value if it is not the usual.

    Raises
    ------
    PicklingError, TypeError, AttributeError, RecursionError, ValueError
        If the value cannot be pickled.
    """
    known = _SPECIAL.get(name)
    if known is None:
        return False, None
    value = known[0]()
    return True, None if value is None else dumps(value)


def unpack_special(name: str, value: bytes) -> None:
    """Set the special variable of this name in the present context."""
    _SPECIAL[name][1](loads(value))


def _numpy_errors() -> object:
    """Return how numpy treats floating-point errors, and the size of its buffers."""
    numpy = sys.modules["numpy"]
    return numpy.geterr(), numpy.geterrcall(), numpy.getbufsize()


def _set_numpy_errors(value: tuple[dict[str, str], object, int]) -> None:
    import numpy

    how, call, size = value
    numpy.seterr(**how)  # type: ignore[arg-type]  # they are what numpy.geterr returned
    numpy.seterrcall(call)  # type: ignore[arg-type]  # as above
    numpy.setbufsize(size)


def _decimal_context() -> object:
    """Return the decimal context; None if it is as in a new thread: any calculation sets it."""
    import decimal

    context = decimal.getcontext()
    return None if _prescribed(context) == _prescribed(decimal.DefaultContext) else context


def _prescribed(context: decimal.Context) -> tuple[object, ...]:
    """Return what a decimal context prescribes, without the flags that calculations raise."""
    limits = context.prec, context.Emin, context.Emax
    return *limits, context.rounding, context.capitals, context.clamp, context.traps


def _set_decimal_context(context: decimal.Context) -> None:
    import decimal

    decimal.setcontext(context)


_SPECIAL: dict[str, tuple[Callable[[], object], Callable[..., None]]] = {
    "numpy.ufunc.extobj": (_numpy_errors, _set_numpy_errors),
    "decimal_context": (_decimal_context, _set_decimal_context),
}
"""What gets and what sets each, by the variable's name."""
