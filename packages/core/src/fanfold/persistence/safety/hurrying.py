"""What most of a pickle is made of, followed without a call for each opcode, or passed over."""

from __future__ import annotations

import io
from abc import abstractmethod
from itertools import repeat

from .opcodes import OpcodeReader
from .passages import (
    END_OF_PAIR,
    END_OF_TRIPLE,
    MEMOIZE,
    MEMOIZE_AND_MARK,
    container,
    integers_in,
    records,
    row_of_floats,
    row_of_integers,
    row_of_texts,
    texts_in,
    tuples,
)
from .symbols import PLAIN, DictOf, ListOf, Symbol
from .values import NUMBER, ValueMachine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

__all__ = ["HurryingMachine"]

_WORTH_IT = 1 << 15  # compiling the patterns takes as long as following so many bytes

_FEWEST_TUPLES = 4
_PARTS_OF_PASSAGE = 5  # some of the pickle, begin and end in it, its position, the number to come
_MEMOIZE, _GET, _LONG_GET, _TEXT, _FLOAT, _DICT = 0x94, 0x68, 0x6A, 0x8C, 0x47, 0x7D
_CONTAINERS = frozenset(b"]}")
_TUPLES = frozenset(b"\x86\x87")
_INTEGERS = {0x4B: 1, 0x4D: 2, 0x4A: 4}
"""The sizes of integers by their opcodes."""


class HurryingMachine(ValueMachine):
    """The machine, taking many opcodes at once where nothing but plain values come.

    What is passed over is followed later if something refers to it, in order from the first on.
    """

    def __init__(self, reader: OpcodeReader, buffers: Iterator[int] | None) -> None:
        super().__init__(reader, buffers)
        self._shells: list[Symbol] = []  # what stands for each passage
        self._passages: list[Any] = []  # in a row, which costs the garbage collector nothing
        self._n_followed = 0
        self._may_pass = True
        self._calls = self._steps_that_call()

    @abstractmethod
    def run(self) -> None:
        """Follow the pickle."""

    @abstractmethod
    def _steps_that_call(self) -> dict[int, Callable[[Any, bytes], None]]:
        """Return what the opcodes do that call something, and have no argument."""

    @abstractmethod
    def _another(self, reader: OpcodeReader) -> HurryingMachine:
        """Return a machine of the same kind, for a part of the pickle."""

    def _hurry(self) -> None:
        """Follow opcodes, and stop before whatever is less usual, or not as it should be."""
        reader = self._reader
        data, at, last, before = reader.ahead()
        passes = self._may_pass and not self._is_numbered and before + last > _WORTH_IT
        stack, memo = self._stack, self._memo
        remembers, count = not self._is_numbered, self._n_remembered
        while at < last:
            code = data[at]
            if code == _MEMOIZE and remembers and stack:
                memo[count] = stack[-1]
                count += 1
                at += 1
            elif code == _GET and data[at + 1] in memo:
                stack.append(memo[data[at + 1]])
                at += 2
            elif code == _TEXT:
                end = at + 2 + data[at + 1]
                try:
                    stack.append(data[at + 2 : end].decode("utf-8", "surrogatepass"))
                except UnicodeDecodeError:
                    break
                at = end
                if passes and data[at] == _MEMOIZE and data[at + 1] == _TEXT:
                    memo[count] = stack[-1]
                    count += 1
                    at += 1
                    row = row_of_texts()(data, at)
                    if row is not None:
                        texts = texts_in(row[0])
                        stack += texts
                        memo.update(enumerate(texts, count))
                        count += len(texts)
                        at = row.end()
            elif code == _FLOAT:
                stack.append(NUMBER)
                at += 9
                if passes and data[at] == _FLOAT and (row := row_of_floats()(data, at)):
                    stack += repeat(NUMBER, len(row[0]) // 9)
                    at = row.end()
            elif code in _INTEGERS:
                begin, at = at + 1, at + 1 + _INTEGERS[code]
                stack.append(int.from_bytes(data[begin:at], "little", signed=at - begin == 4))
                if passes and data[at] == code and (row := row_of_integers()(data, at)):
                    stack += integers_in(row[0])
                    at = row.end()
            elif passes and code in _CONTAINERS and not self._has_heavy:
                self._n_remembered = count
                end = self._pass_containers(data, at, before)
                count = self._n_remembered
                if end == at:
                    stack.append(DictOf() if code == _DICT else ListOf())
                    end += 1
                at = end
            elif code == _LONG_GET and int.from_bytes(data[at + 1 : at + 5], "little") in memo:
                stack.append(memo[int.from_bytes(data[at + 1 : at + 5], "little")])
                at += 5
            elif code in self._calls:
                reader.start = before + at
                at += 1
                reader.advance(at)
                self._n_remembered = count
                self._calls[code](self, b"")
                if not reader.is_at(data, at):  # data followed that are no pickle
                    return
                stack = self._stack
            elif code in _SIMPLE_STEPS:
                reader.start = before + at
                at += 1
                _SIMPLE_STEPS[code](self, b"")
                stack = self._stack
                if passes and code in _TUPLES and data[at] == _MEMOIZE:
                    memo[count] = stack[-1]
                    self._n_remembered = count + 1
                    at = self._pass_tuples(data, at + 1, before)
                    count = self._n_remembered
            else:
                break
        self._n_remembered = count
        reader.advance(at)

    def _pass_containers(self, data: bytes, at: int, before: int) -> int:
        """Pass over dictionaries or a list, if they are plain, and return where to go on."""
        is_dict = data[at] == _DICT
        row = records()(data, at) if is_dict else None
        if row is not None:
            n_dicts = data.count(MEMOIZE_AND_MARK, at, row.end())
            if n_dicts > 1:  # what follows may look at the last one
                last = data.rfind(MEMOIZE_AND_MARK, at, row.end()) - 1
                self._pass_over(data, at, last, before, [PLAIN] * (n_dicts - 1))
                at = last
        found = row or container()(data, at)
        if found is None:
            return at
        shell = (DictOf if is_dict else ListOf)(self, len(self._shells))
        self._pass_over(data, at, found.end(), before, [shell])
        return found.end()

    def _pass_tuples(self, data: bytes, at: int, before: int) -> int:
        """Pass over small tuples in a row but for the last, and return where to go on."""
        row = tuples()(data, at)
        if row is None:
            return at
        ends = END_OF_PAIR, END_OF_TRIPLE
        n_tuples = sum(data.count(end, at, row.end()) for end in ends)
        last = max(data.rfind(end, at, row.end() - 2) for end in ends) + 2
        if n_tuples < _FEWEST_TUPLES:
            return at
        self._pass_over(data, at, last, before, [PLAIN] * (n_tuples - 1))
        return last

    def _pass_over(
        self, data: bytes, begin: int, end: int, before: int, symbols: list[Symbol]
    ) -> None:
        """Take note of a passage that leaves `symbols` on the stack."""
        self._shells.append(symbols[0])
        self._passages += (data, begin, end, before + begin, self._n_remembered)
        self._n_remembered += data.count(MEMOIZE, begin, end)
        self._stack += symbols

    def _remembered(self, index: int) -> Symbol:
        if index < self._n_remembered:
            while index not in self._memo and self._n_followed < len(self._shells):
                self.follow_up_to(self._n_followed)
        return super()._remembered(index)

    def follow_up_to(self, number: int) -> None:
        """Follow all passages up to one of them, and fill the collections that stand for them."""
        while self._n_followed <= number:
            at = self._n_followed * _PARTS_OF_PASSAGE
            data, begin, end, position, first = self._passages[at : at + _PARTS_OF_PASSAGE]
            shell = self._shells[self._n_followed]
            self._n_followed += 1
            content = io.BytesIO(data[begin:end] + b".")
            machine = self._another(OpcodeReader(content, self._reader.place, position=position))
            machine._memo, machine._n_remembered = self._memo, first
            machine._may_pass = False
            machine.run()
            if shell is not PLAIN:
                shell.fill(machine._stack[-1].known)
                self._memo[first] = shell


_SIMPLE_STEPS = {
    ord(opcode): step
    for opcode, step in {
        "N": ValueMachine.none,
        "\x88": ValueMachine.true,
        "\x89": ValueMachine.false,
        "(": ValueMachine.mark,
        "0": ValueMachine.pop,
        ")": ValueMachine.empty_tuple,
        "\x85": ValueMachine.tuple_of_one,
        "\x86": ValueMachine.tuple_of_two,
        "\x87": ValueMachine.tuple_of_three,
        "t": ValueMachine.tuple_of_marked,
        "]": ValueMachine.empty_list,
        "a": ValueMachine.append,
        "e": ValueMachine.appends,
        "}": ValueMachine.empty_dict,
        "s": ValueMachine.set_item,
        "u": ValueMachine.set_items,
        "\x8f": ValueMachine.empty_set,
        "\x90": ValueMachine.add_items,
    }.items()
}
"""What the opcodes do that are frequent and have no argument."""
