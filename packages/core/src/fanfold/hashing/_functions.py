"""Hashers for functions, classes and modules: what they do, and what that depends on.

Code of the user's own project counts by what it says, and so does what it refers to, followed as
far as the project reaches. Code of libraries counts by name and version.
"""

from __future__ import annotations

import builtins
import sys
from types import FunctionType, MethodType, ModuleType

from ._code import facts_of
from ._names import is_library_file, is_library_module, qualified_name
from ._registry import register_hasher
from ._versions import version_of
from ._words import Guarded, Tagged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from functools import cached_property, partial
    from types import BuiltinFunctionType, CellType, CodeType
    from typing import Any

    Wrapper = staticmethod[..., Any] | classmethod[Any, ..., Any]

__all__ = [
    "cell_contents",
    "class_parts",
    "function_parts",
    "global_reads",
    "is_library_function",
]

_ABOUT_THE_MODULE = frozenset(
    # Where code lies and what its module is called differs between a script and its workers.
    {"__builtins__", "__doc__", "__file__", "__loader__", "__name__", "__package__", "__spec__"}
)
_ABOUT_THE_CLASS = frozenset(
    # What Python notes in a class besides what its author wrote; some of it appears on first use.
    {
        *("__abstractmethods__", "__annotate__", "__annotate_func__", "__annotations__"),
        *("__annotations_cache__", "__dict__", "__doc__", "__firstlineno__", "__module__"),
        *("__qualname__", "__slotnames__", "__static_attributes__", "__weakref__", "_abc_impl"),
        # What pydantic makes of the fields, which it notes too; it has addresses in it.
        *("__pydantic_core_schema__", "__pydantic_serializer__", "__pydantic_validator__"),
    }
)
_UNSET = Tagged("unset", None)


def is_library_function(function: object) -> bool:
    """Tell whether a function is a library's, and can be found there by its name."""
    module_name = getattr(function, "__module__", None)
    if not isinstance(module_name, str) or not is_library_module(module_name):
        return False
    found: object = sys.modules.get(module_name)
    for name in str(getattr(function, "__qualname__", "?")).split("."):
        found = getattr(found, name, None)
    return found is function


def function_parts(function: FunctionType) -> dict[str, object]:
    """Return what a Python function depends on, by what it is to the function.

    Returns
    -------
    dict
        ``"name"``, ``"code"``, and as far as there are any, ``"default x"``, ``"closure x"``,
        ``"global x"`` and ``"wrapped"``; each value counts by its hash.
    """
    code = function.__code__
    parts: dict[str, object] = {"name": function.__qualname__}
    if is_library_file(code.co_filename):  # as a decorator of a library makes them
        module_name = str(function.__globals__.get("__name__", ""))
        parts["code"] = (code.co_qualname, module_name, version_of(module_name))
    else:
        parts["code"] = code
        parts.update(_globals(function))
    parts.update(_defaults(function))
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        parts[f"closure {name}"] = Guarded(
            cell_contents(cell), function.__qualname__, f"closure {name!r}"
        )
    wrapped = getattr(function, "__wrapped__", None)
    if wrapped is not None:
        parts["wrapped"] = Guarded(wrapped, function.__qualname__, "wrapped function")
    return parts


def class_parts(cls: type) -> dict[str, object]:
    """Return what a class of the user's project consists of: its name, bases and members."""
    parts: dict[str, object] = {"name": cls.__qualname__, "bases": cls.__bases__}
    for name, member in vars(cls).items():
        if name not in _ABOUT_THE_CLASS:
            parts[f"member {name}"] = Guarded(member, cls.__qualname__, f"member {name!r}")
    return parts


def _defaults(function: FunctionType) -> Iterator[tuple[str, object]]:
    code, owner = function.__code__, function.__qualname__
    values = function.__defaults__ or ()
    names = code.co_varnames[code.co_argcount - len(values) : code.co_argcount]
    by_name = dict(zip(names, values, strict=True)) | (function.__kwdefaults__ or {})
    for name, value in by_name.items():
        yield f"default {name}", Guarded(value, owner, f"default of {name!r}")


def cell_contents(cell: CellType) -> object:
    """Return what a closure's cell holds."""
    try:
        return cell.cell_contents
    except ValueError:  # the enclosing function has not set the variable yet
        return _UNSET


def global_reads(function: FunctionType) -> Iterator[tuple[str, Mapping[str, object], str]]:
    """Yield the places outside a function where its code looks names up.

    Yields
    ------
    tuple
        How the code spells it (``"helper"``, ``"module.helper"``), the mapping, and the key in it.
        Through modules of the user's own project, all those of their members count that have a
        name which the code uses.
    """
    facts = facts_of(function.__code__)
    for name in facts.globals_read - _ABOUT_THE_MODULE:
        yield name, function.__globals__, name
        value = function.__globals__.get(name)
        if isinstance(value, ModuleType):
            yield from _members_used(name, value, facts.names, {id(value)})


def _members_used(
    path: str, module: ModuleType, names: frozenset[str], seen: set[int]
) -> Iterator[tuple[str, Mapping[str, object], str]]:
    if is_library_module(module.__name__):
        return
    members: Mapping[str, object] = vars(module)
    for name in names & members.keys() - _ABOUT_THE_MODULE:
        member = members[name]
        if not isinstance(member, ModuleType):
            yield f"{path}.{name}", members, name
        elif id(member) not in seen:
            seen.add(id(member))
            yield from _members_used(f"{path}.{name}", member, names, seen)


def _globals(function: FunctionType) -> Iterator[tuple[str, object]]:
    owner = function.__qualname__
    for path, mapping, key in global_reads(function):
        if key in mapping:
            yield f"global {path}", Guarded(mapping[key], owner, f"global {path!r}")
        elif not hasattr(builtins, key):
            yield f"global {path}", _UNSET


def _function(function: FunctionType) -> object:
    if is_library_function(function):
        return _by_name(function)
    return function_parts(function)


def _by_name(thing: Any) -> Tagged:
    module_name = getattr(thing, "__module__", None) or ""
    return Tagged("library", (qualified_name(thing), version_of(module_name)))


def _builtin(function: BuiltinFunctionType) -> object:
    owner = function.__self__
    if owner is None or isinstance(owner, ModuleType):
        return _by_name(function)
    return Tagged("method of", (function.__name__, owner))


def _descriptor(descriptor: Any) -> object:
    return Tagged("member of", (qualified_name(descriptor.__objclass__), descriptor.__name__))


def _class(cls: type) -> object:
    return _by_name(cls) if is_library_module(cls.__module__) else class_parts(cls)


def _module(module: ModuleType) -> object:
    return Tagged("module", (module.__name__, version_of(module.__name__)))


def _code(code: CodeType) -> object:
    return facts_of(code).value


def _method(method: MethodType) -> object:
    return method.__func__, method.__self__


def _partial(call: partial[object]) -> object:
    return {"func": call.func, "args": call.args, "keywords": call.keywords}


def _wrapper(wrapper: Wrapper) -> object:
    return wrapper.__func__


def _property(member: property) -> object:
    return member.fget, member.fset, member.fdel


def _cached_property(member: cached_property[object]) -> object:
    return member.func  # on Python 3.11 there is a lock beside it


def _cached(function: Any) -> object:
    return function.__wrapped__


_EXACT: dict[str, Callable[[Any], object]] = {
    "builtins.builtin_function_or_method": _builtin,
    "builtins.classmethod": _wrapper,
    "builtins.classmethod_descriptor": _descriptor,
    "builtins.code": _code,
    "builtins.function": _function,
    "builtins.getset_descriptor": _descriptor,
    "builtins.member_descriptor": _descriptor,
    "builtins.method": _method,
    "builtins.method-wrapper": _builtin,
    "builtins.method_descriptor": _descriptor,
    "builtins.property": _property,
    "builtins.staticmethod": _wrapper,
    "builtins.wrapper_descriptor": _descriptor,
    "functools._lru_cache_wrapper": _cached,
    "functools.cached_property": _cached_property,
    "functools.partial": _partial,
}
for _name, _hasher in _EXACT.items():
    register_hasher(_name, _hasher, subclasses=False)
register_hasher("builtins.module", _module)
register_hasher("builtins.type", _class)
