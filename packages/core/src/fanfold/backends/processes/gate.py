"""The gate: which of the batches that it was sent a worker may begin.

The parent puts one byte in a pipe for each batch. The worker takes a byte before it begins one; the
parent takes a byte to have the last one back. The kernel gives each byte to one of them, so a batch
is begun once, or taken back, and never both.
"""

from __future__ import annotations

import os

__all__ = ["Gate", "may_begin"]


def may_begin(worker_end: int) -> bool:
    """Take the permission for the next batch, and tell whether it was there."""
    try:
        return os.read(worker_end, 1) != b""
    except BlockingIOError:
        return False


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

    def permit(self) -> None:
        """Permit one more batch; before it is sent."""
        os.write(self._parent_end, b"1")

    def revoke(self) -> bool:
        """Take the last permission back, and tell whether it was still there."""
        return may_begin(self.worker_end)

    def close(self) -> None:
        """Close both descriptors."""
        os.close(self.worker_end)
        os.close(self._parent_end)
