"""The gate: which of the batches that it was sent a worker may begin.

The parent numbers the batches that it sends to a worker and puts the number of each in a pipe. The
worker takes a number before it begins a batch; the parent takes one to have that batch back. The
kernel gives each number to one of them, so a batch is begun once, or taken back, and never both.
"""

from __future__ import annotations

import os

__all__ = ["Gate", "Permits"]

_NUMBERS = tuple(number.to_bytes() for number in range(256))
"""Numbers are single bytes. Far fewer batches than this are with a worker at any time."""


class Permits:
    """The worker's side.

    Parameters
    ----------
    worker_end : int
        The descriptor from which numbers are taken.
    """

    def __init__(self, worker_end: int) -> None:
        self._worker_end = worker_end
        self._received = 0
        self._held: int | None = None

    def take(self) -> bool:
        """Take note that a batch was received, and tell whether it may begin."""
        number = self._received % len(_NUMBERS)
        self._received += 1
        held = _take(self._worker_end) if self._held is None else self._held
        if held == number:
            self._held = None
            return True
        self._held = held
        return False  # taken back; the number that is held, if any, is of a later batch


class Gate:
    """The parent's side.

    Attributes
    ----------
    worker_end : int
        The descriptor that the worker inherits, and that the parent reads too.
    """

    def __init__(self) -> None:
        self.worker_end, self._parent_end = os.pipe()
        os.set_blocking(self.worker_end, False)
        self._sent = 0

    def permit(self) -> int:
        """Permit one more batch, before it is sent, and return its number."""
        number = self._sent % len(_NUMBERS)
        self._sent += 1
        os.write(self._parent_end, _NUMBERS[number])
        return number

    def revoke(self) -> int | None:
        """Return the number of a batch that the worker will not begin any more, or None."""
        return _take(self.worker_end)

    def close(self) -> None:
        """Close both descriptors."""
        os.close(self.worker_end)
        os.close(self._parent_end)


def _take(worker_end: int) -> int | None:
    try:
        taken = os.read(worker_end, 1)
    except BlockingIOError:
        return None
    return taken[0] if taken else None
