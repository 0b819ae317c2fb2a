"""Bytecode in a form that does not depend on how its source was laid out.

The compiler looks at line numbers when it joins two instructions into one (since Python 3.13), and
where it leaves instructions that do nothing. Here joined ones are taken apart, empty ones dropped,
and jumps and exception handlers refer to instructions by their number. Constants are numbered in
the order of their use: the docstring of a function is a constant that no instruction uses, so it
drops out. What the body of a class notes about its text is dropped too.

What is left is rare (in Python 3.12, the condition of a comprehension on a line of its own), and
costs a result that is computed again, never a wrong one.
"""

from __future__ import annotations

from opcode import hasconst, hasjrel, opmap, opname

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

__all__ = ["Bytecode"]

_EXTENDED_ARG = opmap["EXTENDED_ARG"]
_CACHE = 0  # room for the interpreter's notes behind an instruction
_EMPTY = frozenset({_CACHE, _EXTENDED_ARG, opmap["NOP"]})
_LOAD_GLOBAL = opmap["LOAD_GLOBAL"]
_LOAD_NAMES = {opmap[name] for name in ("LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS") if name in opmap}
_STORE_NAME = opmap["STORE_NAME"]
_CONSTANTS = frozenset(hasconst)
_LITERALS = _CONSTANTS | {opmap.get("LOAD_SMALL_INT", _CACHE)}
_ABOUT_THE_TEXT = frozenset({"__doc__", "__firstlineno__", "__static_attributes__"})
_JUMPS = {operation: -1 if "BACKWARD" in opname[operation] else 1 for operation in hasjrel}
_JOINED = {
    opmap[f"{first}_{second}"]: (opmap[first], opmap[second])
    for first, second in (
        ("LOAD_FAST", "LOAD_FAST"),
        ("LOAD_FAST_BORROW", "LOAD_FAST_BORROW"),
        ("STORE_FAST", "LOAD_FAST"),
        ("STORE_FAST", "STORE_FAST"),
    )
    if f"{first}_{second}" in opmap
}


class Bytecode:
    """What the instructions of one code object say.

    Attributes
    ----------
    instructions : list of int
        Operation and argument by turns; of a jump, the argument is the number of its target.
    handlers : list of int
        Start, end, target and stack depth of each range whose exceptions are handled, by turns.
    constants : list
        The constants, as they are numbered in `instructions`.
    globals_read : set of str
        The names that are looked up in the globals.
    """

    __slots__ = ("constants", "globals_read", "handlers", "instructions")

    def __init__(self, code: CodeType) -> None:
        self.instructions: list[int] = []
        self.globals_read: set[str] = set()
        numbers: dict[int, int] = {}
        number_at: list[int] = []
        jumps: list[tuple[int, int]] = []
        # `co_code` is free of the specialisations that the running interpreter makes.
        for position, operation, argument in _units(code.co_code):
            number_at.append(len(self.instructions) // 2)
            if operation in _EMPTY:
                continue
            if operation in _JOINED:
                first, second = _JOINED[operation]
                self.instructions += (first, argument >> 4, second, argument & 15)
                continue
            if operation == _LOAD_GLOBAL:  # the lowest bit says what to do with the value
                self.globals_read.add(code.co_names[argument >> 1])
            elif operation == _STORE_NAME and code.co_names[argument] in _ABOUT_THE_TEXT:
                if self._drop_literal(numbers):
                    continue
            elif operation in _LOAD_NAMES:
                self.globals_read.add(code.co_names[argument])
            elif operation in _CONSTANTS:
                argument = numbers.setdefault(argument, len(numbers))
            elif operation in _JUMPS:
                following = _after_caches(code.co_code, position)
                jumps.append((len(self.instructions) + 1, following + _JUMPS[operation] * argument))
            self.instructions += (operation, argument)
        number_at.append(len(self.instructions) // 2)
        for place, target in jumps:
            self.instructions[place] = number_at[target]
        self.handlers = [
            value
            for start, length, target, depth in _handlers(code.co_exceptiontable)
            for value in (number_at[start], number_at[start + length], number_at[target], depth)
        ]
        self.constants = [code.co_consts[number] for number in numbers]

    def _drop_literal(self, numbers: dict[int, int]) -> bool:
        """Drop the last instruction if it only loads a literal, and return whether it does."""
        operation, argument = self.instructions[-2:]
        if operation not in _LITERALS:
            return False
        del self.instructions[-2:]
        earlier = zip(self.instructions[::2], self.instructions[1::2], strict=True)
        is_newest = operation in _CONSTANTS and argument == len(numbers) - 1
        if is_newest and not any(op in _CONSTANTS and arg == argument for op, arg in earlier):
            numbers.popitem()
        return True


def _units(bytecode: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield position, operation and full argument of each unit of two bytes."""
    extended = 0
    for position in range(len(bytecode) // 2):
        operation, argument = bytecode[2 * position], bytecode[2 * position + 1] | extended
        extended = argument << 8 if operation == _EXTENDED_ARG else 0
        yield position, operation, argument


def _after_caches(bytecode: bytes, position: int) -> int:
    """Return the position that a jump counts from."""
    position += 1
    while bytecode[2 * position : 2 * position + 1] == b"\0":
        position += 1
    return position


def _handlers(table: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield start, length, target and depth from an exception table.

    Numbers are written in pieces of six bits, highest first; bit 6 says that more follow.
    """
    numbers: list[int] = []
    number = 0
    for byte in table:
        number = number << 6 | byte & 63
        if not byte & 64:
            numbers.append(number)
            number = 0
    quadruples = iter(numbers)
    yield from zip(quadruples, quadruples, quadruples, quadruples, strict=True)
