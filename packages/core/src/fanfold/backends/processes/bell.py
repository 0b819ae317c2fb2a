"""The bell: wakes a selector that another thread waits in."""

from __future__ import annotations

import os

__all__ = ["Bell"]


class Bell:
    """A pipe that becomes readable, and stays so, when it is rung.

    Attributes
    ----------
    fd : int
        The descriptor to register with a selector.
    """

    def __init__(self) -> None:
        self.fd, self._ringing_end = os.pipe()

    def ring(self) -> None:
        """Make the descriptor readable."""
        os.write(self._ringing_end, b"1")

    def close(self) -> None:
        """Close both ends."""
        os.close(self.fd)
        os.close(self._ringing_end)
