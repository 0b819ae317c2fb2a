"""Which entries of a cache have to go: decided without touching the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import timedelta

    from ..contracts.store import StoreEntry

_UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


def choose_victims(
    by_use: Iterable[StoreEntry],
    n_items: int,
    n_bytes: int,
    *,
    bytes_limit: int | None = None,
    items_limit: int | None = None,
    not_used_since: float | None = None,
) -> Iterator[StoreEntry]:
    """Iterate over what to delete so that the rest keeps all limits, least recently used first.

    Parameters
    ----------
    by_use : iterable of StoreEntry
        What there is, least recently used first; ``modified`` is when an entry was last used. No
        more of it is taken than has to be.
    n_items, n_bytes : int
        How many there are, and how many bytes they have.
    bytes_limit, items_limit : int or None
        How many bytes, and how many entries, may stay.
    not_used_since : float or None
        Entries that were last used before this time go, in seconds since the epoch.
    """
    for entry in by_use:
        too_many = items_limit is not None and n_items > items_limit
        too_large = bytes_limit is not None and n_bytes > bytes_limit
        too_old = not_used_since is not None and entry.modified < not_used_since
        if not (too_many or too_large or too_old):
            return
        yield entry
        n_items -= 1
        n_bytes -= entry.size


def parse_size(size: int | str | None, name: str = "bytes_limit") -> int | None:
    """Return a size in bytes, such as 1048576 for ``"1M"``; None stays None.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If it is negative or not of that form.
    """
    if size is None:
        return None
    number, factor = size, 1
    if isinstance(size, str):
        text = size.strip().upper().removesuffix("B")
        factor = _UNITS.get(text[-1:], 1)
        number = text.rstrip("".join(_UNITS)) if factor > 1 else text
    try:
        parsed = int(float(number) * factor)
    except (TypeError, ValueError, OverflowError) as error:
        raise _bad_size(size, name) from error
    if parsed < 0:
        raise _bad_size(size, name)
    return parsed


def check_items(items_limit: int | None, name: str = "items_limit") -> int | None:
    """Return the number of entries that may stay.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If it is not a whole number that is 0 or more.
    """
    if items_limit is not None and (not isinstance(items_limit, int) or items_limit < 0):
        raise InvalidArgumentError(
            f"{name}={items_limit!r}: expected how many entries may stay, 0 or more, or None"
        )
    return items_limit


def seconds_of(age_limit: timedelta | None) -> float | None:
    """Return a time span in seconds.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If it is not a ``datetime.timedelta``, or negative.
    """
    if age_limit is None:
        return None
    from datetime import timedelta  # 2 ms that only those pay who use it

    if not isinstance(age_limit, timedelta) or age_limit < timedelta(0):
        raise InvalidArgumentError(
            f"age_limit={age_limit!r}: expected a datetime.timedelta that is not negative, "
            "such as timedelta(days=5)"
        )
    return age_limit.total_seconds()


def _bad_size(size: object, name: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"{name}={size!r}: expected a number of bytes, or a string such as '500K', '1.5M' or '10G'"
    )
