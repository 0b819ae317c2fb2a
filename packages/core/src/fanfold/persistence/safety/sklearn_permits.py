"""What pickles of fitted scikit-learn models import: its classes, and those of scipy's matrices."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from .permit import FREE, NAMED_ONLY, Permit, Refused
from .symbols import Call, DictOf, Global, Symbol, TupleOf

__all__ = ["is_in_models", "sklearn_permit"]

_HOMES = ("sklearn", "scipy.sparse", "scipy.interpolate._bsplines")
# What runs programs, fetches files or is copied from elsewhere.
_NOT_MODELS = {"_testing", "conftest", "datasets", "experimental", "externals", "tests"}


def sklearn_permit(module: str, name: str) -> Permit | None:
    """Return what a global may be used for, or None if it is no part of a model.

    Classes may be used freely; functions only as settings, since a model does not call any when it
    is loaded.
    """
    if not is_in_models(module):
        return None
    if name == "newObj":
        return Permit(_new_of_class)
    found = getattr(import_module(module), name, None)
    if isinstance(found, ModuleType) or not _is_at_home(getattr(found, "__module__", None)):
        return None
    return FREE if isinstance(found, type) else NAMED_ONLY


def is_in_models(module: str) -> bool:
    """Tell whether a module may have parts of models."""
    return _is_at_home(module) and not _NOT_MODELS.intersection(module.split("."))


def _is_at_home(module: object) -> bool:
    return isinstance(module, str) and any(
        module == home or module.startswith(f"{home}.") for home in _HOMES
    )


def _new_of_class(call: Call, keywords: DictOf | None) -> Symbol:
    """Permit what Cython's classes write: a new object of a class that is permitted."""
    if keywords is not None or len(call.arguments) != 1 or type(call.arguments[0]) is not Global:
        raise Refused("something other than a class")
    (made,) = call.arguments
    return made.permit.call(Call(made, TupleOf([])), None)
