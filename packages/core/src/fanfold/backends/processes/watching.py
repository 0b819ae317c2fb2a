"""Waiting until workers have something to say."""

from __future__ import annotations

import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["READ", "WRITE", "Watcher"]

READ, WRITE = 1, 4
"""POLLIN and POLLOUT, which epoll calls by the same numbers."""


class Watcher:
    """Tells which of some descriptors are ready.

    Those of :mod:`selectors` look each event up, and make a tuple of it, in Python: that is 4 µs
    for each message, of 40.

    Parameters
    ----------
    n_jobs : int
        How many workers there will be. For a few, poll is as fast as epoll, and it is nothing that
        must be made, filled and closed in the kernel for each call: that takes 10 µs and more, of
        400 for ten tiny tasks.

    Raises
    ------
    OSError
        If the system refuses what that takes.
    """

    FEW = 16

    def __init__(self, n_jobs: int) -> None:
        self._is_poll = n_jobs <= self.FEW or not hasattr(select, "epoll")
        self._poll: Any = select.poll() if self._is_poll else select.epoll()

    def add(self, descriptor: int) -> None:
        """Watch for something to read, and for the end."""
        self._poll.register(descriptor, READ)

    def change(self, descriptor: int, events: int) -> None:
        """Watch for other events from now on."""
        self._poll.modify(descriptor, events)

    def remove(self, descriptor: int) -> None:
        """Watch for nothing more; before it is closed."""
        self._poll.unregister(descriptor)

    def wait(self, seconds: float | None) -> list[tuple[int, int]]:
        """Return the descriptors that are ready, and for what: errors and ends are other numbers.

        Parameters
        ----------
        seconds : float or None
            For how long to wait at the most; None is for ever.
        """
        if seconds is not None and self._is_poll:
            seconds *= 1000
        ready: list[tuple[int, int]] = self._poll.poll(seconds)
        return ready

    def close(self) -> None:
        """Give back what the system gave."""
        if not self._is_poll:
            self._poll.close()
