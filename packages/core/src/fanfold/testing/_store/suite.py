"""The suite of stores."""

from __future__ import annotations

from .caching import CachingChecks
from .capabilities import CapabilityChecks
from .faults import FaultChecks
from .flights import FlightChecks
from .indexing import IndexChecks
from .keys import KeyChecks
from .locking import LockChecks
from .machine import MachineChecks
from .sharing import SharingChecks
from .values import ValueChecks

__all__ = ["StoreConformance"]


class StoreConformance(
    ValueChecks,
    KeyChecks,
    CapabilityChecks,
    IndexChecks,
    LockChecks,
    SharingChecks,
    CachingChecks,
    FlightChecks,
    FaultChecks,
    MachineChecks,
):
    """Whether a store keeps the contract :class:`fanfold.contracts.Store`.

    Derive a test class from it, override :meth:`make_store`, and let pytest run it. No check is
    skipped: of a capability that the store does not declare, the check is that using it is refused.
    A fixture of your own, such as a server's address, reaches :meth:`make_store` through an
    attribute that an autouse fixture of your class sets.

    The checks start other Python processes, to which the pickled store is sent; its class has to be
    importable there.

    Attributes
    ----------
    known_failures : mapping of str to str
        Checks that the store fails for now, and why: best a link.
    clock_tolerance : float, default=5.0
        How far the clock of the store may be from this machine's, in seconds.
    examples, steps : int, default=100, 30
        How many random histories are compared with a dict's, and how long each may be. Fewer
        examples find less; they are for stores of which each use takes milliseconds.

    Examples
    --------
    >>> from fanfold.stores import LocalStore
    >>> class TestLocalStore(StoreConformance):
    ...     def make_store(self, directory):
    ...         return LocalStore(directory)
    """
