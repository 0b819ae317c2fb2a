"""The way home: what tasks warn of and log is told to the process that made the call.

Whoever runs tasks says where reports go: a worker process sends each at once, an engine's worker
collects those of a batch. Where neither is so, nothing is told, and warnings and records are
treated as ever.
"""

from __future__ import annotations

from contextvars import ContextVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol, TypeAlias

    Report: TypeAlias = tuple[int, str, bytes]
    """The position of the task within its batch, the kind, and the pickled content."""

    class Teller(Protocol):
        """What takes reports home."""

        def tell(self, kind: str, content: bytes) -> bool:
            """Take a report of the task that runs; false if there is no way home any more."""


__all__ = ["LOG_RECORD", "WARNING", "Collection", "Reports", "reports"]

WARNING = "warning"
LOG_RECORD = "log record"


class Collection:
    """The reports of a batch, kept until it is done."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self._position = 0

    def mark(self, position: int, _now: float) -> bool:
        """Take note of which task runs, and have it run."""
        self._position = position
        return True

    def tell(self, kind: str, content: bytes) -> bool:
        """Keep a report."""
        self.reports.append((self._position, kind, content))
        return True


class Reports:
    """Where reports go from this process."""

    def __init__(self) -> None:
        self._to_parent: Teller | None = None
        self._collection: ContextVar[Teller | None] = ContextVar("fanfold_reports", default=None)

    def tell_parent(self, teller: Teller) -> None:
        """Have all that is told anywhere in this process go this way."""
        self._to_parent = teller

    def collect(self, collection: Teller | None) -> None:
        """Have what is told in this context go this way, up to the next call with None."""
        self._collection.set(collection)

    def tell(self, kind: str, content: bytes) -> bool:
        """Send a report home, and tell whether it could be."""
        teller = self._collection.get() or self._to_parent
        return teller is not None and teller.tell(kind, content)

    @property
    def are_heard(self) -> bool:
        """Whether a report would go home from here."""
        return self._collection.get() is not None or self._to_parent is not None


reports = Reports()
