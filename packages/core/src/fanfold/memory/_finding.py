"""Finding the results of calls that ``Parallel`` has not made yet; see ``contracts.lookup``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..contracts.lookup import NOT_FOUND
from ..errors import BadSignatureError
from ._entries import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ._entries import Entries, Fetched
    from ._reporting import Reporter

    MakeKey = Callable[[tuple[Any, ...], Mapping[str, Any]], str]
    Look = Callable[[str, Fetched | None], tuple[Any, float]]

_AT_ONCE = 64  # requests to a bucket, of some 30 ms each: all of them take little longer than one


class ResultFinder:
    """Finds results of one cached function.

    It tells nothing of what is wrong with an entry or with the store: the call, which then is made,
    looks again, and tells.

    Parameters
    ----------
    entries : Entries
        Where the results are.
    report : Reporter
        Is told what is found.
    make_key : callable
        Returns the key of a call from its arguments.
    look : callable
        Returns the result with a key, or MISSING, and how long computing it took.
    first_args : tuple
        What stands before the arguments of each call: the instance, of a method.
    is_shelved : bool
        Whether the result of a call is a reference to what the function returned.
    counts_misses : bool
        Whether the calls that follow are counted in another process, and so their misses here.
    """

    def __init__(
        self,
        entries: Entries,
        report: Reporter,
        make_key: MakeKey,
        look: Look,
        first_args: tuple[object, ...],
        *,
        is_shelved: bool,
        counts_misses: bool,
    ) -> None:
        self._entries = entries
        self._report = report
        self._make_key = make_key
        self._look = look
        self._first_args = first_args
        self._is_shelved = is_shelved
        self._counts_misses = counts_misses
        self.at_once = _AT_ONCE if entries.fetches else 1

    def key(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
        """Return the key of the result of a call."""
        return self._make_key(self._first_args + args, kwargs)

    def find(self, keys: Sequence[str]) -> list[Any]:
        """Return the results of calls, in order; NOT_FOUND where there is none.

        Raises
        ------
        fanfold.errors.StoreError
            If the store cannot be read.
        """
        fetched = self._entries.fetch(keys, whole=not self._is_shelved)
        return [self._find(key, fetched) for key in keys]

    def _find(self, key: str, fetched: Fetched | None) -> Any:
        try:
            result, seconds = self._look(key, fetched)
        except BadSignatureError:
            result, seconds = MISSING, 0.0
            if self._counts_misses:
                self._entries.counts.refuse()
        except Exception:  # noqa: BLE001  the call, which is made then, is raised it again
            result, seconds = MISSING, 0.0
        if result is not MISSING:
            self._entries.note_use(key)
            self._entries.counts.hit(seconds)
            self._report.hit(key)
            return result
        if self._counts_misses:
            self._entries.counts.miss()
            self._report.miss(key)
        return NOT_FOUND
