"""Which seed a call has."""

from __future__ import annotations

import operator

from .._nesting import seed_scope
from ..errors import InvalidArgumentError
from ._defaults import Unset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from ..tasks.seeding import Seed

    class CallSeeds(Protocol):
        """Gives each call its seed."""

        def next_call(self) -> Seed | None:
            """Return the seed of one more call, or None."""


__all__ = ["CallSeeds", "check_seed", "seeds_of_calls"]


class _SameSeed:
    """The same seed, or none, for each call."""

    def __init__(self, seed: Seed | None) -> None:
        self._seed = seed

    def next_call(self) -> Seed | None:
        return self._seed


_NO_SEED = _SameSeed(None)


def seeds_of_calls(seed: int | Unset | None) -> CallSeeds:
    """Return where the calls of a ``Parallel`` get their seeds from.

    Parameters
    ----------
    seed : int, None or UNSET
        As the user gave it. Where it was not given, what encloses the call says.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If it is not a number of 0 or more.
    """
    if isinstance(seed, Unset):
        return seed_scope.get() or _NO_SEED
    return _NO_SEED if seed is None else _SameSeed((check_seed(seed), ()))


def check_seed(seed: object) -> int:
    """Return a seed as a number, which it must be.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If it is not a number of 0 or more.
    """
    try:
        number = operator.index(seed)  # type: ignore[arg-type]  # what is no number is reported
    except TypeError:
        number = -1
    if number < 0 or isinstance(seed, bool):
        raise InvalidArgumentError(
            f"seed={seed!r} is not a seed: expected an integer of 0 or more, such as 42 or "
            "secrets.randbits(128)"
        )
    return number
