"""The part of pickle's machine that handles values: its stack, its memo, and its collections.

Symbols stand for the values, and what no pickler writes is refused: above all, what would fill the
memory or take for ever.
"""

# ruff: noqa: D102  the name of an opcode's method says what the opcode does
from __future__ import annotations

import re

from .opcodes import HIGHEST_PROTOCOL, OpcodeReader
from .symbols import Call, Data, DictOf, ListOf, Symbol, TupleOf, weight_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NUMBER", "ValueMachine"]

NUMBER = Data()
_SET = Data()
_WITH_WEIGHT = frozenset((TupleOf, Call, Data))
_INTEGER = re.compile(rb"-?(?:0|[1-9][0-9]{0,30})L?")
_BOOLEANS = {b"00": False, b"01": True}
_DEEPEST_TUPLES = 2_000
_FREE_WORK = 10_000_000
_WORK_FOR_A_BYTE = 100


class ValueMachine:
    """The machine; marks divide its stack, of which the topmost part is in reach.

    Each method without an underscore is what one opcode does, and takes its argument.

    Parameters
    ----------
    reader : OpcodeReader
        The pickle.
    buffers : iterator of int or None
        The lengths of the buffers that it can ask for.

    Attributes
    ----------
    protocol : int
        What the pickle says of its protocol; 0 where it says nothing.
    """

    def __init__(self, reader: OpcodeReader, buffers: Iterator[int] | None) -> None:
        self._reader = reader
        self._buffers = buffers
        self._begin = reader.position
        self._stack: list[Symbol] = []
        self._below_marks: list[list[Symbol]] = []
        self._memo: dict[int, Symbol] = {}
        self._n_remembered = 0
        self._is_numbered = False
        self._has_heavy = False
        self._work = 0
        self.protocol = 0

    def protocol_number(self, argument: bytes) -> None:
        if self._reader.start != self._begin or argument[0] > HIGHEST_PROTOCOL:
            raise self._reader.corrupt(f"protocol {argument[0]} is announced here")
        self.protocol = argument[0]

    def none(self, _: bytes) -> None:
        self._stack.append(None)

    def true(self, _: bytes) -> None:
        self._stack.append(True)

    def false(self, _: bytes) -> None:
        self._stack.append(False)

    def stop(self, _: bytes) -> None:
        self._top()
        self._reader.check_frame_ended()

    # The stack and the memo

    def mark(self, _: bytes) -> None:
        self._below_marks.append(self._stack)
        self._stack = []

    def pop(self, _: bytes) -> None:
        if self._stack:
            del self._stack[-1]
        else:
            self._pop_mark()

    def pop_mark(self, _: bytes) -> None:
        self._pop_mark()

    def duplicate(self, _: bytes) -> None:
        self._stack.append(self._top())

    def memoize(self, _: bytes) -> None:
        if self._is_numbered:
            self._memo[len(self._memo)] = self._top()
        else:
            self._memo[self._n_remembered] = self._top()
            self._n_remembered += 1

    def put(self, argument: bytes) -> None:
        index = int.from_bytes(argument, "little")
        if index > self._reader.start:  # the unpickler makes room for all lower ones too
            raise self._reader.corrupt(f"it remembers something as number {index}")
        if self._n_remembered > len(self._memo):  # what was passed over has numbers, too
            raise self._reader.corrupt("it numbers what it remembers in two ways")
        self._is_numbered = True
        self._memo[index] = self._top()

    def put_text(self, argument: bytes) -> None:
        self.put(self._index(argument))

    def get(self, argument: bytes) -> None:
        index = int.from_bytes(argument, "little")
        try:
            self._stack.append(self._remembered(index))
        except KeyError:
            raise self._reader.corrupt(f"it remembers nothing as number {index}") from None

    def get_text(self, argument: bytes) -> None:
        self.get(self._index(argument))

    # Numbers, text and bytes

    def number(self, _: bytes) -> None:
        self._stack.append(NUMBER)

    def small_integer(self, argument: bytes) -> None:
        self._stack.append(int.from_bytes(argument, "little"))

    def integer(self, argument: bytes | None) -> None:
        if argument is None:
            self._has_heavy = True
            self._stack.append(Data(self._reader.skipped, is_number=True))
        else:
            self._stack.append(int.from_bytes(argument, "little", signed=True))

    def integer_text(self, argument: bytes) -> None:
        if argument in _BOOLEANS:
            self._stack.append(_BOOLEANS[argument])
        elif _INTEGER.fullmatch(argument):
            self._stack.append(int(argument.rstrip(b"L")))
        else:
            self._stack.append(NUMBER)

    def text(self, argument: bytes | None) -> None:
        if argument is None:
            self._stack.append(Data(self._reader.skipped))
            return
        try:
            self._stack.append(argument.decode("utf-8", "surrogatepass"))
        except UnicodeDecodeError as error:
            raise self._reader.corrupt(f"its text is not in UTF-8: {error}") from error

    def raw_text(self, argument: bytes) -> None:
        if self._reader.skipped > len(argument):  # only its beginning was kept
            self._stack.append(Data(self._reader.skipped))
            return
        try:
            self._stack.append(argument.decode("raw-unicode-escape"))
        except UnicodeDecodeError as error:
            raise self._reader.corrupt(f"its text cannot be decoded: {error}") from error

    def data(self, argument: bytes | None) -> None:
        self._stack.append(Data(self._reader.skipped) if argument is None else argument)

    def old_text(self, argument: bytes | None) -> None:
        # Python 2 wrote it; what it is depends on the encoding.
        self.changeable_data(argument)

    def changeable_data(self, argument: bytes | None) -> None:
        self._stack.append(Data(self._reader.skipped if argument is None else len(argument)))

    def next_buffer(self, _: bytes) -> None:
        size = next(self._buffers, None) if self._buffers is not None else None
        if size is None:
            raise self._reader.corrupt("it asks for a buffer that is not there")
        self._stack.append(Data(size, is_buffer=True))

    def read_only_buffer(self, _: bytes) -> None:
        if type(self._top()) is not Data:
            raise self._reader.corrupt("it makes something read-only that is no buffer")

    # Collections

    def empty_tuple(self, _: bytes) -> None:
        self._push_tuple([])

    def tuple_of_one(self, _: bytes) -> None:
        self._push_tuple(self._pop_many(1))

    def tuple_of_two(self, _: bytes) -> None:
        self._push_tuple(self._pop_many(2))

    def tuple_of_three(self, _: bytes) -> None:
        self._push_tuple(self._pop_many(3))

    def tuple_of_marked(self, _: bytes) -> None:
        self._push_tuple(self._pop_mark())

    def empty_list(self, _: bytes) -> None:
        self._stack.append(ListOf())

    def list_of_marked(self, _: bytes) -> None:
        made = ListOf()
        made.extend(self._pop_mark())
        self._stack.append(made)

    def append(self, _: bytes) -> None:
        self._extend(self._pop_many(1))

    def appends(self, _: bytes) -> None:
        self._extend(self._pop_mark())

    def empty_dict(self, _: bytes) -> None:
        self._stack.append(DictOf())

    def dict_of_marked(self, _: bytes) -> None:
        items = self._pop_mark()
        self._stack.append(DictOf())
        self._update(items)

    def set_item(self, _: bytes) -> None:
        self._update(self._pop_many(2))

    def set_items(self, _: bytes) -> None:
        self._update(self._pop_mark())

    def empty_set(self, _: bytes) -> None:
        self._stack.append(_SET)

    def add_items(self, _: bytes) -> None:
        items = self._pop_mark()
        self._hash(items)
        self._check_grows(_SET)

    def frozen_set(self, _: bytes) -> None:
        self._hash(self._pop_mark())
        self._stack.append(_SET)

    # What the opcodes have in common

    def _remembered(self, index: int) -> Symbol:
        """Return what has a number; raise KeyError if there is no such thing."""
        return self._memo[index]

    def _top(self) -> Symbol:
        if not self._stack:
            raise self._reader.corrupt("it takes something from an empty stack")
        return self._stack[-1]

    def _pop_many(self, count: int) -> list[Symbol]:
        stack = self._stack
        if len(stack) < count:
            raise self._reader.corrupt(f"it takes {count} things from a stack of {len(stack)}")
        items = stack[-count:]
        del stack[-count:]
        return items

    def _pop_mark(self) -> list[Symbol]:
        if not self._below_marks:
            raise self._reader.corrupt("it refers to a mark that is not there")
        items, self._stack = self._stack, self._below_marks.pop()
        return items

    def _index(self, argument: bytes) -> bytes:
        if not argument.isdigit() or len(argument) > 9:
            raise self._reader.corrupt(f"{argument[:20]!r} is not the number of a remembered thing")
        return int(argument).to_bytes(4, "little")

    def _push_tuple(self, items: list[Symbol]) -> None:
        made = TupleOf(items)
        if made.depth > _DEEPEST_TUPLES:
            raise self._reader.corrupt(f"{made.depth} tuples are nested in each other")
        self._note_weight(made)
        self._stack.append(made)

    def _note_weight(self, made: TupleOf | Call) -> None:
        """Take note of what takes longer to be hashed than what refers to it is long."""
        if made.weight > _WORK_FOR_A_BYTE:
            self._has_heavy = True

    def _extend(self, items: list[Symbol]) -> None:
        target = self._top()
        if type(target) is ListOf:
            target.extend(items)
        else:
            self._check_grows(None)

    def _update(self, items: list[Symbol]) -> None:
        target = self._top()
        if len(items) % 2:
            raise self._reader.corrupt("a key of a dictionary has no value")
        self._hash(items[::2])
        if type(target) is not DictOf:
            self._check_grows(None)
        elif target.used:
            raise self._reader.corrupt("it changes a dictionary that is in use")
        else:
            target.extend(items)

    def _check_grows(self, allowed: Symbol) -> None:
        target = self._top()
        if target is allowed is not None:
            return
        if type(target) is not Call or not target.function.permit.grows:
            raise self._reader.corrupt("it puts items into something that holds none")

    def _hash(self, keys: list[Symbol]) -> None:
        for key in keys:
            if type(key) in _WITH_WEIGHT:
                self._spend(weight_of(key))

    def _spend_on_parts(self, symbols: list[Symbol]) -> None:
        self._spend(len(symbols))
        for symbol in symbols:
            if type(symbol) is ListOf or type(symbol) is DictOf:
                self._spend(len(symbol.known))  # the rest takes as many bytes of the pickle

    def _spend(self, work: int) -> None:
        self._work += work
        if self._work > _FREE_WORK + _WORK_FOR_A_BYTE * self._reader.start:
            raise self._reader.corrupt("what it makes of its values would take for ever")
