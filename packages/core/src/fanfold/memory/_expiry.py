"""How long a cached result stays good."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def expires_after(
    days: float = 0,
    seconds: float = 0,
    microseconds: float = 0,
    milliseconds: float = 0,
    minutes: float = 0,
    hours: float = 0,
    weeks: float = 0,
) -> Callable[[Mapping[str, Any]], bool]:
    """Return a `cache_validation_callback` that recomputes results of more than a given age.

    The age counts from when the result was computed, not from when it was last used.

    Parameters
    ----------
    days, seconds, microseconds, milliseconds, minutes, hours, weeks : float, default=0
        The parts of the age, as in :class:`datetime.timedelta`, which are added up.

    Returns
    -------
    callable
        For :meth:`Memory.cache`.

    Examples
    --------
    >>> import tempfile
    >>> from fanfold import Memory, expires_after
    >>> memory = Memory(tempfile.mkdtemp(), verbose=0)
    >>> @memory.cache(cache_validation_callback=expires_after(hours=1))
    ... def forecast(place):
    ...     return f"sunny in {place}"
    >>> forecast("Jena")
    'sunny in Jena'
    """
    from datetime import timedelta

    lifetime = timedelta(
        days=days,
        seconds=seconds,
        microseconds=microseconds,
        milliseconds=milliseconds,
        minutes=minutes,
        hours=hours,
        weeks=weeks,
    ).total_seconds()
    return _Lifetime(lifetime)


class _Lifetime:
    """Tells from an entry's metadata whether it is young enough; it can be pickled, for workers."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self, metadata: Mapping[str, Any]) -> bool:
        age: float = time.time() - metadata["time"]
        return age < self.seconds

    def __repr__(self) -> str:
        return f"expires_after(seconds={self.seconds:g})"
