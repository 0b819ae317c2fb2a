"""What a code object does, without where it stands, and which globals it reads."""

from __future__ import annotations

from opcode import hasconst, opmap
from weakref import WeakKeyDictionary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

__all__ = ["CodeFacts", "facts_of"]

_HAS_DOCSTRING = 0x4000000  # a flag of the code object since Python 3.13
_OPTIMIZED = 0x1  # set for functions, not for the bodies of classes and modules
_EXTENDED_ARG = opmap["EXTENDED_ARG"]
_LOAD_GLOBAL = opmap["LOAD_GLOBAL"]
_LOAD_NAMES = {opmap[name] for name in ("LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS") if name in opmap}
_LOAD_CONSTANTS = frozenset(hasconst)


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
        # `co_code` is free of the specialisations that the running interpreter makes.
        constants, bytecode = _canonical_constants(code)
        nested = [facts_of(part) for part in code.co_consts if isinstance(part, type(code))]
        self.globals_read: frozenset[str] = frozenset(_globals_read(code)).union(
            *(part.globals_read for part in nested)
        )
        self.names: frozenset[str] = frozenset(code.co_names).union(
            *(part.names for part in nested)
        )
        self.value: tuple[object, ...] = (
            (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount),
            code.co_flags & ~_HAS_DOCSTRING,
            bytecode,
            code.co_exceptiontable,
            constants,
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


def _instructions(bytecode: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield offset, operation and full argument of each instruction, inline caches included."""
    extended = 0
    for offset in range(0, len(bytecode), 2):
        operation, argument = bytecode[offset], bytecode[offset + 1] | extended
        extended = argument << 8 if operation == _EXTENDED_ARG else 0
        yield offset, operation, argument


def _canonical_constants(code: CodeType) -> tuple[list[object], bytes]:
    """Return the constants in the order of their use, and the bytecode that says so.

    The docstring is a constant that no instruction uses, so it drops out, and writing one does not
    shift the numbers of the others.
    """
    bytecode = bytearray(code.co_code)
    numbers: dict[int, int] = {}
    for offset, operation, argument in _instructions(code.co_code):
        if operation in _LOAD_CONSTANTS:
            bytecode[offset + 1] = numbers.setdefault(argument, len(numbers)) & 0xFF
    return [code.co_consts[number] for number in numbers], bytes(bytecode)


def _globals_read(code: CodeType) -> Iterator[str]:
    for _, operation, argument in _instructions(code.co_code):
        if operation == _LOAD_GLOBAL:
            yield code.co_names[argument >> 1]  # the lowest bit says what to do with the value
        elif operation in _LOAD_NAMES:
            yield code.co_names[argument]
