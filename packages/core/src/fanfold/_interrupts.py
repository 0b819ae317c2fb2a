"""Holding Ctrl-C back for a moment, while what is made has no owner yet that would give it back."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # beneath signal, which makes enumerations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Any

__all__ = ["InterruptsHeld"]

_SIGINT = 2


class InterruptsHeld:
    """Within it, ``KeyboardInterrupt`` is not raised; at its end it is, if it would have been.

    Between the moment in which the kernel makes a process, or opens a descriptor, and the one in
    which something keeps its number, an interrupt would leave it behind for ever.

    Only the main thread is ever interrupted: in others this does nothing.
    """

    __slots__ = ("_handler", "_held")

    def __enter__(self) -> None:
        """Begin to hold them back."""
        self._held: tuple[int, FrameType | None] | None = None
        self._handler: Any = _signal.getsignal(_SIGINT)
        if callable(self._handler):
            try:
                _signal.signal(_SIGINT, self._hold)
            except ValueError:
                self._handler = None  # this is not the main thread

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let them through again."""
        if not callable(self._handler):
            return
        _signal.signal(_SIGINT, self._handler)
        if self._held is not None:
            self._handler(*self._held)

    def _hold(self, signal_number: int, frame: FrameType | None) -> None:
        self._held = signal_number, frame
