"""The bell: wakes a selector that another thread waits in."""

from __future__ import annotations

import os

from ..._interrupts import InterruptsHeld

__all__ = ["Bell"]


class Bell:
    """A pipe that becomes readable, and stays so, when it is rung.

    Attributes
    ----------
    fd : int
        The descriptor to register with a selector.
    """

    _ends: tuple[int, ...] = ()

    def __init__(self) -> None:
        with InterruptsHeld():
            self._ends = os.pipe()
        self.fd, self._ringing_end = self._ends

    def __del__(self) -> None:
        """Close what a call that was interrupted has not closed."""
        self.close()

    def ring(self) -> None:
        """Make the descriptor readable."""
        os.write(self._ringing_end, b"1")

    def close(self) -> None:
        """Close both ends, once."""
        with InterruptsHeld():
            ends, self._ends = self._ends, ()
            for descriptor in ends:
                os.close(descriptor)
