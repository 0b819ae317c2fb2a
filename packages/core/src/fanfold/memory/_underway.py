"""What is being computed in this process just now, and who waits for it."""

from __future__ import annotations

import os
from contextlib import suppress
from contextvars import ContextVar
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token
    from typing import TypeAlias

    Call: TypeAlias = tuple[str, str]
    """The location of a store, and the name of a result there."""

part_of: ContextVar[tuple[Call, ...]] = ContextVar("cached_calls_underway", default=())
"""The cached calls that are being computed around this code, from the outermost.

The variable's name does not begin with ``fanfold_``, so that tasks take it along: what they call is
part of the computation that sent them.
"""


def is_over(call: Call, token: Token[tuple[Call, ...]]) -> None:
    """Have the innermost computation of `call`, noted with `token`, no longer be around this code.

    Of coroutines that take turns without an event loop, the one that began first may end first:
    then what the other has noted stays.
    """
    calls = part_of.get()
    before = () if token.old_value is token.MISSING else token.old_value
    if calls == (*before, call):
        with suppress(ValueError):  # it ends in another context than it began in
            part_of.reset(token)
            return
    for position in reversed(range(len(calls))):
        if calls[position] == call:
            part_of.set(calls[:position] + calls[position + 1 :])
            return


class Flight:
    """One computation of a result in this process, from its beginning to its end.

    Parameters
    ----------
    call : Call
        The result.

    Attributes
    ----------
    call : Call
        As given.
    was_abandoned : bool
        Once it is over, whether it was interrupted, so that another should take it over.
    """

    __slots__ = ("_is_over", "_lock", "_wakers", "call", "was_abandoned")

    def __init__(self, call: Call) -> None:
        self.call = call
        self._lock = Lock()
        self._is_over = False
        self._wakers: list[Callable[[], object]] = []
        self.was_abandoned = False

    def when_over(self, wake: Callable[[], object]) -> None:
        """Call `wake` when it is over, from the thread that ends it; at once if it is."""
        with self._lock:
            if not self._is_over:
                self._wakers.append(wake)
                return
        wake()

    def end(self, *, was_abandoned: bool) -> None:
        """Wake all who wait."""
        with self._lock:
            self._is_over = True
            self.was_abandoned = was_abandoned
            wakers, self._wakers = self._wakers, []
        for wake in wakers:
            wake()


class Underway:
    """The flights of this process; there is one object, :data:`underway`."""

    def __init__(self) -> None:
        self._renew()
        if hasattr(os, "register_at_fork"):
            # The threads that would end them are not in the child.
            os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        self._flights: dict[Call, Flight] = {}

    def begin(self, flight: Flight) -> Flight:
        """Begin a flight, unless another of the same call is underway; return which one is."""
        return self._flights.setdefault(flight.call, flight)

    def end(self, flight: Flight, *, was_abandoned: bool = False) -> None:
        """End a flight if it has begun; the next one of the same call begins another."""
        if self._flights.get(flight.call) is flight:  # only who began it ends it
            del self._flights[flight.call]
        flight.end(was_abandoned=was_abandoned)


underway = Underway()
