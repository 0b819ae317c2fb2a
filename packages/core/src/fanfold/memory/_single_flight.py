"""Single flight: of several calls that need the same result at once, one computes it.

Within a process the others wait for its end; beyond it, a claim at the store decides (see
:mod:`._claims`). What happens then depends on how the computation ended:

- with a result that is kept: the others return it;
- with an exception, or a result that cannot be kept: the others compute at once, side by side, as
  they would have done without single flight. So nobody waits for one failure after the other;
- by an interrupt, or with its process: one of the others computes in its place.

A call that is part of the very computation that it would wait for does not wait, but computes.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from xxhash import xxh3_128_hexdigest

from ..errors import StoreError
from ._claims import claims_for
from ._notes import Waiting, dismiss, places
from ._underway import Flight, is_over, part_of, underway
from ._waits import UntilOver, run_plan, run_plan_async

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextvars import Token
    from types import TracebackType
    from typing import Self

    from ..contracts.store import Store
    from ._claims import Claims, Release
    from ._underway import Call
    from ._waits import Wait


class SingleFlight:
    """How the calls that use one store wait for each other.

    Parameters
    ----------
    store : Store
        Where the results are.
    term : float
        After how many seconds a lease expires, where the store has no locks.

    Attributes
    ----------
    store
        As given.
    claims : Claims or None
        How a result is claimed there; None where only the calls of this process are seen.
    """

    def __init__(self, store: Store, term: float) -> None:
        self.store = store
        self.claims: Claims | None = claims_for(store, term)
        places.add(store)


class Turn:
    """One call's turn at a result that it did not find; a context manager, also asynchronous.

    Parameters
    ----------
    flights : SingleFlight or None
        How it waits for others; None if it does not.
    key : str
        The key of the result.
    look : callable
        Takes the key, and returns the result if it is there, else `missing`.
    missing : object
        Stands for a result that is not there.

    Attributes
    ----------
    found : object
        What another has computed meanwhile; `missing` if this call has to compute.
    is_kept : bool
        To be set once the result is at the store.
    problem : StoreError or None
        Why another may compute the same meanwhile.
    """

    __slots__ = (
        "_around",
        "_call",
        "_flight",
        "_flights",
        "_key",
        "_look",
        "_missing",
        "_other",
        "_release",
        "_token",
        "found",
        "is_kept",
        "problem",
    )

    def __init__(
        self,
        flights: SingleFlight | None,
        key: str,
        look: Callable[[str], Any],
        missing: object,
    ) -> None:
        self._flights = flights
        self._key = key
        self._look = look
        self._missing = missing
        self._flight: Flight | None = None
        self._release: Release | None = None
        self._token: Token[tuple[Call, ...]] | None = None
        self.found: Any = missing
        self.is_kept = False
        self.problem: StoreError | None = None

    @property
    def may_be_lost(self) -> bool:
        """Whether another may compute the same without knowing of this; the first must win then."""
        claims = None if self._flights is None else self._flights.claims
        return self._release is not None and claims is not None and claims.may_be_lost

    def __enter__(self) -> Self:
        if self._flights is not None:
            try:
                if not self._is_first(self._flights):
                    run_plan(self._wait(self._flights))
                self._begin()
            except BaseException as error:
                self._end(self._flights, error)
                raise
        return self

    async def __aenter__(self) -> Self:
        if self._flights is not None:
            try:
                if not self._is_first(self._flights):
                    await run_plan_async(self._wait(self._flights))
                self._begin()
            except BaseException as error:
                self._end(self._flights, error)
                raise
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._flights is not None:
            self._end(self._flights, error)

    async def __aexit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.__exit__(error_type, error, traceback)

    def _is_first(self, flights: SingleFlight) -> bool:
        """Claim the result, or see that there is nobody to wait for; False if there is."""
        self._call = flights.store.location, xxh3_128_hexdigest(self._key.encode())
        self._around = part_of.get()
        if self._call in self._around:
            return True  # who would end the wait is who waits
        return self._begins_flight() and self._has_claim(flights)

    def _begins_flight(self) -> bool:
        # Noted before it begins: wherever an interrupt comes, it is ended.
        self._flight = Flight(self._call)
        self._other = underway.begin(self._flight)
        if self._other is self._flight:
            return True
        self._flight = None
        return False

    def _has_claim(self, flights: SingleFlight) -> bool:
        """Claim the result among processes, and look whether it has come meanwhile."""
        if flights.claims is not None:
            try:
                self._release = flights.claims.claim(self._call[1])
            except StoreError as error:
                self.problem = error
            else:
                if self._release is None:
                    return False
        self.found = self._look(self._key)
        return True

    def _wait(self, flights: SingleFlight) -> Generator[Wait, None, None]:
        """Wait as long as another computes, and see whether this call has to."""
        while self._flight is None:
            other = self._other
            if not self._around:  # nobody can be waiting for this call
                yield UntilOver(other)
            else:
                with Waiting(flights.store, self._call, self._around) as waiting:
                    if not waiting.may_go_on():
                        return
                    yield UntilOver(other)
            self.found = self._look(self._key)
            if self.found is not self._missing or not other.was_abandoned:
                return
            if self._begins_flight() and self._has_claim(flights):
                return
        if flights.claims is not None:
            try:
                yield from self._queue(flights.store, flights.claims)
            except StoreError as error:
                self.problem = error

    def _queue(self, store: Store, claims: Claims) -> Generator[Wait, None, None]:
        """Wait for other processes."""
        queue = claims.queue(self._call[1])
        with Waiting(store, self._call, self._around) as waiting:
            while self._release is None and self.found is self._missing and waiting.may_go_on():
                yield queue.wait()
                queue.advance()
                self._release = queue.release
                self.found = self._look(self._key)
        if self.found is self._missing and (self._release is None or waiting.was_dismissed):
            self._step_aside()

    def _step_aside(self) -> None:
        """Compute beside others: this call has waited long enough, or must not wait."""
        release, self._release = self._release, None
        flight, self._flight = self._flight, None
        if release is not None:
            release()
        if flight is not None:
            underway.end(flight)

    def _begin(self) -> None:
        """Have what is called from here on known as a part of this call."""
        if self.found is self._missing:
            self._token = part_of.set((*self._around, self._call))

    def _end(self, flights: SingleFlight, error: BaseException | None) -> None:
        """Let those go on who wait for this call."""
        token, self._token = self._token, None
        if token is not None:
            is_over(self._call, token)
        was_abandoned = error is not None and not isinstance(error, Exception)
        flight, self._flight = self._flight, None
        release, self._release = self._release, None
        try:
            if release is not None:
                is_there = self.is_kept or self.found is not self._missing
                _let_go(flights.store, self._call[1], release, is_there or was_abandoned)
        finally:
            if flight is not None:
                underway.end(flight, was_abandoned=was_abandoned)


def _let_go(store: Store, name: str, release: Release, may_wait: bool) -> None:
    """Give a claim back, and dismiss those who wait unless there is something to wait for."""
    try:
        if not may_wait:
            with suppress(StoreError):  # they compute one after the other then
                dismiss(store, name)
    finally:
        release()
