"""What a pickle would do, found out without doing it.

The opcodes are followed with symbols in the place of values: nothing is imported, called or hashed.
A pickle that passes imports only what is permitted, calls it only as picklers do, and takes no more
memory and time than its length justifies. The machine is pickle's own, only stricter: what no
pickler writes is refused.
"""

# ruff: noqa: D102  the name of an opcode's method says what the opcode does
from __future__ import annotations

import copyreg
from typing import Any

from ...errors import CorruptFileError, UntrustedGlobalError
from .hurrying import HurryingMachine
from .opcodes import OpcodeReader
from .permit import Refused, Unknown, Unlisted
from .symbols import ArrayShape, Call, DictOf, Global, ListOf, Symbol, TupleOf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .trust import Permits

__all__ = ["Rehearsal", "UnforeseeableError", "rehearse"]


class UnforeseeableError(Exception):
    """How the pickle goes on depends on what only somebody else's code knows."""


def rehearse(reader: OpcodeReader, permits: Permits, buffers: Iterator[int] | None = None) -> int:
    """Follow a pickle to its end, and return its protocol.

    Parameters
    ----------
    reader : OpcodeReader
        The pickle.
    permits : Permits
        Decides about what it imports and calls, and takes note of it.
    buffers : iterator of int, optional
        The lengths of the buffers that it can ask for.

    Raises
    ------
    fanfold.errors.UntrustedGlobalError
        If it imports what is not permitted.
    fanfold.errors.CorruptFileError
        If it is truncated, or does what no pickler writes.
    """
    rehearsal = Rehearsal(reader, permits, buffers)
    try:
        rehearsal.run()
    except CorruptFileError:
        permits.check()  # what it wanted to import says more about it
        raise
    permits.check()
    return rehearsal.protocol


class Rehearsal(HurryingMachine):
    """The machine for one pickle: what it does with values, and here, what it imports and calls.

    Attributes
    ----------
    is_over : bool
        Whether the pickle was followed to its end.
    """

    def __init__(
        self, reader: OpcodeReader, permits: Permits, buffers: Iterator[int] | None
    ) -> None:
        super().__init__(reader, buffers)
        self._permits = permits
        self.is_over = False

    def run(self) -> None:
        """Follow the pickle to its end, or up to data that are to be read by somebody else."""
        while not self.is_over and not self._reader.data_left:
            self._hurry()
            if not self._reader.data_left:
                opcode, argument = self._reader.next()
                _STEPS[opcode](self, argument)
                self.is_over = opcode == b"."

    def _steps_that_call(self) -> dict[int, Callable[[Any, bytes], None]]:
        return _STEPS_THAT_CALL

    def _another(self, reader: OpcodeReader) -> Rehearsal:
        return Rehearsal(reader, self._permits, None)

    def global_of_lines(self, argument: bytes) -> None:
        self._stack.append(self._global_of_lines(argument))

    def global_of_stack(self, _: bytes) -> None:
        module, name = self._pop_many(2)
        if type(module) is not str or type(name) is not str:
            raise self._reader.corrupt("the name of what it imports is not written in it as text")
        self._stack.append(self._global(module, name))

    def extension(self, argument: bytes) -> None:
        code = int.from_bytes(argument, "little")
        try:
            module, name = copyreg._inverted_registry[code]  # type: ignore[attr-defined]  # no stub
        except KeyError:
            raise self._reader.corrupt(
                f"it imports by the number {code}, which nobody has registered in copyreg"
            ) from None
        self._stack.append(self._global(module, name))

    def persistent(self, _: bytes) -> None:
        raise self._reader.corrupt("it refers to an object outside of it by a persistent id")

    def reduce(self, _: bytes) -> None:
        function, arguments = self._pop_many(2)
        self._call(function, arguments)

    def new_object(self, _: bytes) -> None:
        self.reduce(b"")

    def new_object_with_keywords(self, _: bytes) -> None:
        function, arguments, keywords = self._pop_many(3)
        if type(keywords) is not DictOf:
            raise self._reader.corrupt("the keywords of a call are no dictionary")
        self._call(function, arguments, keywords)

    def instance_of_lines(self, argument: bytes) -> None:
        items = self._pop_mark()
        self._call(self._global_of_lines(argument), TupleOf(items))

    def instance_of_marked(self, _: bytes) -> None:
        items = self._pop_mark()
        if not items:
            raise self._reader.corrupt("it makes an object of no class")
        self._call(items[0], TupleOf(items[1:]))

    def build(self, _: bytes) -> None:
        target, state = self._pop_many(2)
        if type(target) is not Call and self._permits.only_guards:
            self._stack.append(target)
            return
        if type(target) is not Call:
            what = (
                f"it changes {target} itself" if type(target) is Global else "a value has a state"
            )
            raise self._reader.corrupt(what)
        self._stack.append(target)
        self._spend_on_parts(state.items if type(state) is TupleOf else [state])
        permit = target.function.permit
        try:
            permit.state(target, state)
        except Unknown as unknown:
            if not self._permits.only_guards:
                raise self._reader.corrupt(f"the state of {target.function}: {unknown}") from None
            if permit.followed_by_data:
                raise UnforeseeableError from None
        except Refused as refusal:
            raise self._reader.corrupt(f"the state of {target.function}: {refusal}") from None
        if type(target.meaning) is ArrayShape:
            if permit.followed_by_data:
                self._array_data(target.meaning, state)
            else:
                self._permits.arrays.append(target.meaning)

    def _call(self, function: Symbol, arguments: Symbol, keywords: DictOf | None = None) -> None:
        if type(function) is Call and self._permits.grants_all:
            function = function.function  # what a call returned is called, only to see what else is
        if type(function) is not Global:
            raise self._reader.corrupt("it calls something that it did not import")
        if type(arguments) is not TupleOf:
            raise self._reader.corrupt(f"the arguments of {function} are no tuple")
        self._spend_on_parts(arguments.items)
        for argument in arguments.items:
            if type(argument) is ListOf:
                self._hash(argument.known)  # perhaps it makes a set of them
        call = Call(function, arguments)
        self._note_weight(call)
        try:
            result = function.permit.call(call, keywords)
        except (Unlisted, Unknown) as unknown:
            if type(unknown) is Unknown and not self._permits.only_guards:
                raise self._reader.corrupt(f"it calls {function} with {unknown}") from None
            if self._permits.grants_all:
                self._stack.append(call)
                return
            raise UntrustedGlobalError(
                f"{self._reader.place} would call {function}, which is trusted only in less "
                "powerful ways; nothing of the file has run. If you trust it, pass "
                f"trusted=[..., {str(function)!r}]"
            ) from None
        except Refused as refusal:
            raise self._reader.corrupt(f"it calls {function} with {refusal}") from None
        self._stack.append(result)
        if result is call and type(call.meaning) is ArrayShape:
            self._permits.arrays.append(call.meaning)

    def _array_data(self, array: ArrayShape, state: DictOf) -> None:
        """Pass over the data that joblib writes behind the description of an array."""
        if array.dtype.has_objects:
            Rehearsal(self._reader, self._permits.of_plain_pickle(), None).run()
            return
        self._permits.arrays.append(array)
        if state.by_name().get("numpy_array_alignment_bytes") is not None:
            self._reader.skip(self._reader.take(1)[0])
        self._reader.skip_data(array.size)

    def _global_of_lines(self, argument: bytes) -> Global:
        try:
            module, name = argument.decode().split("\n")
        except UnicodeDecodeError as error:
            raise self._reader.corrupt(f"a name is not in UTF-8: {error}") from error
        return self._global(module, name)

    def _global(self, module: str, name: str) -> Global:
        return self._permits.permit(module, name, self.protocol)


_STEPS: dict[bytes, Callable[[Rehearsal, Any], None]] = {
    b"\x80": Rehearsal.protocol_number,
    b".": Rehearsal.stop,
    b"(": Rehearsal.mark,
    b"0": Rehearsal.pop,
    b"1": Rehearsal.pop_mark,
    b"2": Rehearsal.duplicate,
    b"\x94": Rehearsal.memoize,
    b"q": Rehearsal.put,
    b"r": Rehearsal.put,
    b"p": Rehearsal.put_text,
    b"h": Rehearsal.get,
    b"j": Rehearsal.get,
    b"g": Rehearsal.get_text,
    b"N": Rehearsal.none,
    b"\x88": Rehearsal.true,
    b"\x89": Rehearsal.false,
    b"F": Rehearsal.number,
    b"G": Rehearsal.number,
    b"K": Rehearsal.small_integer,
    b"M": Rehearsal.small_integer,
    b"J": Rehearsal.integer,
    b"\x8a": Rehearsal.integer,
    b"\x8b": Rehearsal.integer,
    b"I": Rehearsal.integer_text,
    b"L": Rehearsal.integer_text,
    b"\x8c": Rehearsal.text,
    b"X": Rehearsal.text,
    b"\x8d": Rehearsal.text,
    b"V": Rehearsal.raw_text,
    b"S": Rehearsal.old_text,
    b"T": Rehearsal.old_text,
    b"U": Rehearsal.old_text,
    b"C": Rehearsal.data,
    b"B": Rehearsal.data,
    b"\x8e": Rehearsal.data,
    b"\x96": Rehearsal.changeable_data,
    b"\x97": Rehearsal.next_buffer,
    b"\x98": Rehearsal.read_only_buffer,
    b")": Rehearsal.empty_tuple,
    b"\x85": Rehearsal.tuple_of_one,
    b"\x86": Rehearsal.tuple_of_two,
    b"\x87": Rehearsal.tuple_of_three,
    b"t": Rehearsal.tuple_of_marked,
    b"]": Rehearsal.empty_list,
    b"l": Rehearsal.list_of_marked,
    b"a": Rehearsal.append,
    b"e": Rehearsal.appends,
    b"}": Rehearsal.empty_dict,
    b"d": Rehearsal.dict_of_marked,
    b"s": Rehearsal.set_item,
    b"u": Rehearsal.set_items,
    b"\x8f": Rehearsal.empty_set,
    b"\x90": Rehearsal.add_items,
    b"\x91": Rehearsal.frozen_set,
    b"c": Rehearsal.global_of_lines,
    b"\x93": Rehearsal.global_of_stack,
    b"\x82": Rehearsal.extension,
    b"\x83": Rehearsal.extension,
    b"\x84": Rehearsal.extension,
    b"P": Rehearsal.persistent,
    b"Q": Rehearsal.persistent,
    b"R": Rehearsal.reduce,
    b"\x81": Rehearsal.new_object,
    b"\x92": Rehearsal.new_object_with_keywords,
    b"i": Rehearsal.instance_of_lines,
    b"o": Rehearsal.instance_of_marked,
    b"b": Rehearsal.build,
}
"""The opcodes, in the order of the methods above."""

_STEPS_THAT_CALL = {opcode[0]: _STEPS[opcode] for opcode in (b"\x93", b"R", b"\x81", b"b")}
