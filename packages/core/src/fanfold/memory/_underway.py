"""What is being computed in this process just now, and who waits for it."""

from __future__ import annotations

import os
from contextvars import ContextVar
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Call: TypeAlias = tuple[str, str]
    """The location of a store, and the name of a result there."""

part_of: ContextVar[tuple[Call, ...]] = ContextVar("cached_calls_underway", default=())
"""The cached calls that are being computed around this code, from the outermost.

The variable's name does not begin with ``fanfold_``, so that tasks take it along: what they call is
part of the computation that sent them.
"""


class Flight:
    """One computation of a result in this process, from its beginning to its end."""

    __slots__ = ("_is_over", "_lock", "_wakers", "was_abandoned")

    def __init__(self) -> None:
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
        """Wake all who wait.

        Parameters
        ----------
        was_abandoned : bool
            Whether it was interrupted, so that another should take it over.
        """
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
        self._lock = Lock()
        self._flights: dict[Call, Flight] = {}

    def enter(self, call: Call) -> tuple[Flight, bool]:
        """Return the flight of a call, and whether this began it: then :meth:`end` must follow."""
        with self._lock:
            flight = self._flights.get(call)
            if flight is not None:
                return flight, False
            flight = self._flights[call] = Flight()
            return flight, True

    def end(self, call: Call, flight: Flight, *, was_abandoned: bool = False) -> None:
        """End a flight; the next one for the same call begins another."""
        with self._lock:
            if self._flights.get(call) is flight:  # not so after a fork
                del self._flights[call]
        flight.end(was_abandoned=was_abandoned)


underway = Underway()
