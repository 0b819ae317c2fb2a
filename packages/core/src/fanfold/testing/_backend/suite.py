"""The suite of backends."""

from __future__ import annotations

from .capabilities import CapabilityChecks
from .contract import ContractChecks
from .failures import FailureChecks
from .faults import FaultChecks
from .results import ResultChecks
from .sharing import SharingChecks
from .streams import StreamChecks
from .travel import TravelChecks

__all__ = ["BackendConformance"]


class BackendConformance(
    ContractChecks,
    CapabilityChecks,
    ResultChecks,
    FailureChecks,
    StreamChecks,
    SharingChecks,
    TravelChecks,
    FaultChecks,
):
    """Whether a backend keeps the contract :class:`fanfold.contracts.Backend`.

    Derive a test class from it, override :meth:`make_backend`, and let pytest run it. No check is
    skipped: of a capability that the backend does not declare, the check is that using it is
    refused, or that what holds without it holds. A fixture of your own, such as a cluster, reaches
    :meth:`make_backend` through an attribute that an autouse fixture of your class sets.

    The workers need fanfold with its ``testing`` modules; the checks end some of them. Tasks report
    to the suite over TCP, so workers on other machines need the attribute `host`, and
    :meth:`kill_worker` overridden.

    Attributes
    ----------
    known_failures : mapping of str to str
        Checks that the backend fails for now, and why: best a link.
    patience : float, default=60.0
        How many seconds a check waits for anything before it fails.
    host : str, default="127.0.0.1"
        The address of this machine, as the workers see it.

    Examples
    --------
    >>> from fanfold.backends.threads import ThreadsBackend
    >>> class TestThreadsBackend(BackendConformance):
    ...     def make_backend(self):
    ...         return ThreadsBackend()
    """
