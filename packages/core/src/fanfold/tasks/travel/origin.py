"""What tells a process from all others, on whatever machine."""

from __future__ import annotations

import os

__all__ = ["Origin", "origin"]


class Origin:
    """The mark of this process.

    Attributes
    ----------
    token : str
        No other process has it, nor a forked child of this one.
    """

    def __init__(self) -> None:
        self._renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        self.token = os.urandom(8).hex()


origin = Origin()
