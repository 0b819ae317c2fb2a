"""Values that the checks put."""

from __future__ import annotations

from collections.abc import Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ...contracts.store import Piece

__all__ = ["BIG", "KEY", "LEASE_SECONDS", "Interrupted"]

KEY = "some/entry"
"""The key of checks that need just one."""

BIG = 4 << 20
"""The size of a value whose writing takes long enough to be interrupted, in bytes."""


LEASE_SECONDS = 4.0
"""When a process that computes is taken for dead: later than after any pause of a busy machine."""


class Interrupted(Sequence["Piece"]):
    """The two pieces of a value; something happens once, when the second is first asked for.

    A store that writes as it reads is then in the middle of its write.
    """

    def __init__(self, first: Piece, second: Piece, between: Callable[[], object]) -> None:
        self._pieces = [first, second]
        self._between: Callable[[], object] | None = between

    def __len__(self) -> int:
        """Return the number of pieces."""
        return len(self._pieces)

    def __getitem__(self, index: Any) -> Any:
        """Return a piece, or several for a slice."""
        if index == 1 and self._between is not None:
            between, self._between = self._between, None
            between()
        return self._pieces[index]
