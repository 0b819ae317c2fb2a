"""How often, and when, a task that failed is tried again."""

from __future__ import annotations

from ..contracts._value import Value
from ..errors import InvalidArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    Backoff: TypeAlias = float | Sequence[float] | Callable[[int], float]

__all__ = ["Retry", "as_retry"]


class Retry(Value):
    """How often, and when, a task that failed is tried again.

    While a task waits for its next attempt, the others go on.

    Parameters
    ----------
    times : int, default=1
        How many further attempts a task gets after its first.
    backoff : float, sequence of float, or callable, default=0.0
        How many seconds pass between a failure and the next attempt: a number; a number for each
        attempt, the last of which stands for all later ones; or what returns it for the number of
        attempts that have failed, from 1.
    on : exception type or tuple of them, default=Exception
        Which failures deserve another attempt. A lost worker is a
        :class:`fanfold.errors.WorkerLostError`, a task that took too long a
        :class:`fanfold.errors.TaskTimeoutError`.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If an argument is none of what it can be. It is a ``ValueError``.

    Examples
    --------
    >>> from fanfold import Parallel, Retry, delayed
    >>> retry = Retry(3, backoff=lambda attempt: 0.01 * 2**attempt, on=(OSError, TimeoutError))
    >>> Parallel(n_jobs=2, retries=retry)(delayed(abs)(-i) for i in range(3))
    [0, 1, 2]
    """

    __slots__ = ("times", "backoff", "on")  # noqa: RUF023  as the constructor's arguments

    times: int
    backoff: Backoff
    on: type[BaseException] | tuple[type[BaseException], ...]

    def __init__(
        self,
        times: int = 1,
        backoff: Backoff = 0.0,
        on: type[BaseException] | tuple[type[BaseException], ...] = Exception,
    ) -> None:
        if isinstance(times, bool) or not isinstance(times, int) or times < 0:
            raise InvalidArgumentError(
                f"retries={times!r} is not valid: expected a number of further attempts, 0 or "
                "more, or a fanfold.Retry"
            )
        kinds = on if isinstance(on, tuple) else (on,)
        if not all(isinstance(kind, type) and issubclass(kind, BaseException) for kind in kinds):
            raise InvalidArgumentError(
                f"Retry(on={on!r}) is not valid: expected an exception type, or a tuple of them"
            )
        if not callable(backoff):
            steps = (backoff,) if isinstance(backoff, int | float) else tuple(backoff)
            if not steps or not all(_is_wait(step) for step in steps):
                raise InvalidArgumentError(
                    f"Retry(backoff={backoff!r}) is not valid: expected seconds, 0 or more, a "
                    "sequence of them, or what returns them for the number of failed attempts"
                )
        self._hold(times=times, backoff=backoff, on=on)

    def seconds_after(self, attempts: int) -> float:
        """Return how long to wait after so many attempts, all of which failed.

        Raises
        ------
        fanfold.errors.InvalidArgumentError
            If a callable `backoff` returns something else.
        """
        backoff = self.backoff
        if isinstance(backoff, int | float):
            return backoff
        if not callable(backoff):
            return backoff[min(attempts, len(backoff)) - 1]
        seconds = backoff(attempts)
        if not _is_wait(seconds):
            raise InvalidArgumentError(
                f"Retry's backoff({attempts}) returned {seconds!r}: expected seconds, 0 or more"
            )
        return seconds


def as_retry(retries: int | Retry) -> Retry:
    """Return what `retries` stands for: a number of further attempts, or more."""
    if isinstance(retries, Retry):
        return retries
    if retries == 0 and type(retries) is int:
        return _NEVER
    return Retry(retries)


def _is_wait(seconds: object) -> bool:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return False
    return 0 <= seconds < float("inf")


_NEVER = Retry(0)
