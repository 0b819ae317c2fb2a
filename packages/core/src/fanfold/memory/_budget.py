"""How much a cache may hold: when to look, and how much has to go. Pure decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import InvalidArgumentError
from ._eviction import check_items, parse_size

if TYPE_CHECKING:
    from datetime import timedelta

_SHARE_BETWEEN_LOOKS = 100
_MOST_AT_ONCE = 100
_LIFETIME_BETWEEN_LOOKS = 10


class Budget:
    """The limits of a cache, as the user gave them.

    Parameters
    ----------
    max_bytes : int, str or None
        How many bytes may be kept.
    max_entries : int or None
        How many results may be kept.
    ttl : float, timedelta or None
        How many seconds a result stays good after it was computed.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If one of them will not do.
    """

    __slots__ = ("max_bytes", "max_entries", "ttl")

    def __init__(
        self,
        max_bytes: int | str | None = None,
        max_entries: int | None = None,
        ttl: float | timedelta | None = None,
    ) -> None:
        self.max_bytes = parse_size(max_bytes, "max_bytes")
        self.max_entries = check_items(max_entries, "max_entries")
        self.ttl = _lifetime(ttl)

    def limits_to_restore(self, n_entries: int, n_bytes: int) -> tuple[int | None, int | None]:
        """Return to how many bytes and entries to go back; None where nothing is over the limit.

        That is a hundredth below the limit, so that not every new entry makes another one go, but
        no more than a hundred entries, so that no call waits long.
        """
        average = n_bytes / n_entries if n_entries else 0.0
        return (
            _lowered(self.max_bytes, n_bytes, int(average * _MOST_AT_ONCE)),
            _lowered(self.max_entries, n_entries, _MOST_AT_ONCE),
        )

    def __bool__(self) -> bool:
        return not self.max_bytes is self.max_entries is self.ttl is None

    def __reduce__(self) -> tuple[type[Budget], tuple[int | None, int | None, float | None]]:
        return type(self), (self.max_bytes, self.max_entries, self.ttl)


class Ledger:
    """What one process has added to a cache since it last looked at how much there is.

    Parameters
    ----------
    budget : Budget
        The limits.
    """

    __slots__ = ("_budget", "_bytes_left", "_entries_left", "_look_again")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._bytes_left = self._entries_left = 0.0  # nothing is known yet
        self._look_again = 0.0

    def add(self, n_bytes: int, now: float) -> bool:
        """Count a new entry, and return whether it is time to look at how much there is."""
        self._bytes_left -= n_bytes
        self._entries_left -= 1
        return self._bytes_left < 0 or self._entries_left < 0 or now >= self._look_again

    def looked(self, n_entries: int, n_bytes: int, now: float) -> None:
        """Take note of how much there is, now that nothing is over the limits.

        Until this process has added what is left, or a hundredth of the limit, it need not look
        again: others add to the cache too.
        """
        budget = self._budget
        self._bytes_left = _room(budget.max_bytes, n_bytes)
        self._entries_left = _room(budget.max_entries, n_entries)
        self._look_again = (
            float("inf") if budget.ttl is None else now + budget.ttl / _LIFETIME_BETWEEN_LOOKS
        )


def _room(limit: int | None, used: int) -> float:
    return float("inf") if limit is None else min(limit - used, limit / _SHARE_BETWEEN_LOOKS)


def _lowered(limit: int | None, used: int, most: int) -> int | None:
    if limit is None or used <= limit:
        return None
    return limit - min(limit // _SHARE_BETWEEN_LOOKS, most)


def _lifetime(ttl: float | timedelta | None) -> float | None:
    if ttl is None:
        return None
    from datetime import timedelta  # 2 ms that only those pay who use it

    seconds = ttl.total_seconds() if isinstance(ttl, timedelta) else ttl
    if not isinstance(seconds, (int, float)) or not seconds > 0:
        raise InvalidArgumentError(
            f"ttl={ttl!r}: expected how long results stay good, as a number of seconds above 0 or "
            "a datetime.timedelta, or None"
        )
    return float(seconds)
