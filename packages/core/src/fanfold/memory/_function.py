"""Cached functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._base import P, R
from ._entries import MISSING
from ._memorized import Memorized
from ._result import MemorizedResult

if TYPE_CHECKING:
    from ._finding import ResultFinder


class MemorizedFunc(Memorized[P, R]):
    """A function that looks for its result in the cache before it runs; see :meth:`Memory.cache`.

    It is called like the function. A call that finds its result takes some 30 µs; one that does not
    runs the function and keeps what it returns. Exceptions are never kept. Results come back equal
    to what the function returned, as new objects, or mapped from their files if so asked.
    """

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return the result, from the cache if it is there.

        Raises
        ------
        fanfold.errors.InvalidArgumentError
            If the function cannot be called with these arguments.
        fanfold.errors.UnhashableValueError
            If an argument has no value to hash, such as a lock; see the parameter `ignore`.
        """
        key = self._key(args, kwargs)
        result: R = self._find(key)
        if result is not MISSING:
            return result
        with self._turn(key) as turn:
            result = turn.found
            if result is MISSING:
                self._note_miss(key)
                run = self._begin(key, args, kwargs)
                result, _ = self._keep(run, self.func(*args, **kwargs), turn)
        return result

    def call(self, *args: P.args, **kwargs: P.kwargs) -> tuple[R, dict[str, Any]]:
        """Run the function whatever is in the cache, and keep its result there.

        Returns
        -------
        tuple
            The result, and its metadata: ``"duration"`` of the run in seconds, the ``"time"`` at
            which it began, in seconds since the epoch, and the ``"input_args"``, shortened.
        """
        run = self._begin(self._key(args, kwargs), args, kwargs)
        return self._keep(run, self.func(*args, **kwargs))

    def call_and_shelve(self, *args: P.args, **kwargs: P.kwargs) -> MemorizedResult[R]:
        """Return a small reference to the result, which is computed if it is not in the cache.

        Raises
        ------
        fanfold.errors.StoreError
            If the result cannot be kept: then there is nothing to refer to.
        pickle.PicklingError
            If the result cannot be pickled.
        """
        key = self._key(args, kwargs)
        reference = self._find_reference(key)
        if reference is not None:
            return reference
        with self._turn_to_shelve(key) as turn:
            reference = turn.found
            if reference is None:
                self._note_miss(key)
                run = self._begin(key, args, kwargs)
                reference = self._shelve(run, self.func(*args, **kwargs), turn)
        return reference

    def __fanfold_find_results__(
        self, method: str, first_args: tuple[object, ...], *, counts_misses: bool
    ) -> ResultFinder | None:
        """Return what looks up the results of calls that ``Parallel`` is about to send."""
        return self._finder(method, first_args, counts_misses=counts_misses)
