"""What a code object does, without where it stands, and which globals it reads."""

from __future__ import annotations

from types import CodeType
from weakref import WeakKeyDictionary

from ._bytecode import Bytecode

__all__ = ["CodeFacts", "facts_of"]

_HAS_DOCSTRING = 0x4000000  # a flag of the code object since Python 3.13


class CodeFacts:
    """What is known of a code object and of those nested in it.

    Attributes
    ----------
    value : tuple
        All that decides what the code does. Line numbers, file names, docstrings, comments and the
        names of nested functions are not in it. It is that of one minor version of Python.
    globals_read : frozenset of str
        The names that it looks up in the globals.
    names : frozenset of str
        These, and the names of the attributes that it uses.
    """

    __slots__ = ("globals_read", "names", "value")

    def __init__(self, code: CodeType) -> None:
        bytecode = Bytecode(code)
        nested = [facts_of(part) for part in code.co_consts if isinstance(part, CodeType)]
        globals_read = frozenset(bytecode.globals_read)
        self.globals_read: frozenset[str] = globals_read.union(*(p.globals_read for p in nested))
        names = frozenset(code.co_names)
        self.names: frozenset[str] = names.union(*(p.names for p in nested))
        self.value: tuple[object, ...] = (
            (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount),
            code.co_flags & ~_HAS_DOCSTRING,
            bytecode.instructions,
            bytecode.handlers,
            bytecode.constants,
            code.co_names,
            code.co_varnames,
            code.co_freevars,
            code.co_cellvars,
        )


# Code objects never change, and comparing them compares all that counts here.
_FACTS: WeakKeyDictionary[CodeType, CodeFacts] = WeakKeyDictionary()


def facts_of(code: CodeType) -> CodeFacts:
    """Return what is known of a code object, found out once."""
    facts = _FACTS.get(code)
    if facts is None:
        facts = _FACTS[code] = CodeFacts(code)
    return facts
