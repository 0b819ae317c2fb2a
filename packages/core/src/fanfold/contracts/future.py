"""What core uses of a future."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BatchFuture"]


class BatchFuture(Protocol):
    """What core uses of a future; :class:`concurrent.futures.Future` has it, and more."""

    def add_done_callback(self, fn: Callable[[BatchFuture], object], /) -> None:
        """Call `fn` with this future when it is complete, or at once if it is."""

    def result(self) -> object:
        """Return what it was completed with, or raise the exception, once it is complete."""
