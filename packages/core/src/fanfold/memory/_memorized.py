"""What synchronous and asynchronous cached functions have in common: all but running them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import hashing
from ..errors import BadSignatureError, CorruptFileError, InvalidArgumentError, StoreError
from ..hashing import CallSignature, Fingerprinter
from ._base import CachedFunction, P, R
from ._call_keys import CallKeys
from ._entries import MISSING
from ._explaining import Explanation, Subject, explain
from ._finding import ResultFinder
from ._key import function_module, function_name, function_prefix
from ._pickling import reduce_cached
from ._reporting import Reporter
from ._result import MemorizedResult
from ._run import Run
from ._showing import html_table, readable_size
from ._single_flight import Turn
from ._summary import summarize_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ..contracts.store import Store
    from ..persistence import Compress
    from ._entries import Entries, Fetched

    Validation = Callable[[Mapping[str, Any]], object]


class Memorized(CachedFunction[P, R]):
    """A cached function, without the part that runs it.

    Parameters
    ----------
    func : callable
        The function.
    entries : Entries
        Where its results are.
    ignore : iterable of str, optional
        Parameters that do not count for the key.
    mmap_mode : {None, "r", "r+", "w+", "c"}, default=None
        How arrays are mapped from their files.
    verbose : int, default=1
        What to print.
    cache_validation_callback : callable, optional
        Tells from a result's metadata whether it is still good.
    version : str or int, optional
        Counts in place of the function's code and all that it depends on.
    single_flight : bool, default=True
        Whether calls wait for one that computes the same.
    deps : bool, default=True
        Whether what the function depends on counts, or its own code only.

    Attributes
    ----------
    func, ignore, mmap_mode, verbose, cache_validation_callback, version, single_flight, deps
        As given.
    """

    def __init__(
        self,
        func: Callable[P, Any],
        entries: Entries,
        ignore: Iterable[str] | None = None,
        mmap_mode: str | None = None,
        verbose: int = 1,
        cache_validation_callback: Validation | None = None,
        version: str | int | None = None,
        single_flight: bool = True,
        deps: bool = True,
    ) -> None:
        super().__init__(func)
        if cache_validation_callback is not None and not callable(cache_validation_callback):
            raise InvalidArgumentError(
                f"cache_validation_callback={cache_validation_callback!r}: expected a function "
                "that takes the metadata of a result and returns whether it is still good"
            )
        ignore = ignore if isinstance(ignore, str) else list(ignore or ())
        self._signature = CallSignature(func, ignore)
        self.ignore = ignore
        self.mmap_mode = mmap_mode
        self.verbose = verbose
        self.cache_validation_callback = cache_validation_callback
        self._entries = entries
        self._map = entries.mapping(mmap_mode)
        self.version = version
        self.single_flight = single_flight
        self.deps = deps
        self._fingerprint = Fingerprinter(func, version, deps=deps)
        name = function_name(func)
        self._full_name = f"{function_module(func)}.{name}"
        self._prefix = function_prefix(name)
        self._keys = CallKeys(self._prefix, self._signature, self._fingerprint, self._atomic_parts)
        self._key = self._keys.key
        self._report = Reporter(name, self._full_name, self.location, verbose, entries.warner)

    @property
    def location(self) -> str:
        """Where the results are."""
        return self._entries.store.location

    @property
    def store_backend(self) -> Store:
        """The store of the results."""
        return self._entries.store

    @property
    def compress(self) -> Compress:
        """How results are compressed."""
        return self._entries.compress

    @property
    def func_id(self) -> str:
        """What the keys of the function's results start with, in its present version."""
        return f"{self._prefix}{self._fingerprint.current().digest}"

    def check_call_in_cache(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Return whether a call with these arguments would find its result; runs nothing."""
        metadata = self._look_up(self._key(args, kwargs))
        return metadata is not None and self._is_good(metadata)

    def explain(self, *args: P.args, **kwargs: P.kwargs) -> Explanation:
        """Return whether such a call would find its result, and if not, what has changed.

        It is compared with the results of this function that are there, in all of its versions, and
        told from the one that differs least: in an argument, in the function's code, in a global
        that it reads, and so on. Runs nothing, and changes nothing.

        Raises
        ------
        fanfold.errors.InvalidArgumentError
            If the function cannot be called with these arguments.
        fanfold.errors.StoreError
            If the store cannot be read.

        Examples
        --------
        >>> import tempfile
        >>> from fanfold import Memory
        >>> memory = Memory(tempfile.mkdtemp(), verbose=0)
        >>> @memory.cache
        ... def power(x, exponent):
        ...     return x**exponent
        >>> power(3, 2)
        9
        >>> power.explain(3, 2).is_hit
        True
        >>> print(*power.explain(3, 4).changes)
        argument exponent was 2 and is 4
        """
        key = self._key(args, kwargs)
        arguments = summarize_arguments(self._signature.bind(args, kwargs))
        subject = Subject(
            self._full_name, key, arguments, self._keys.origin(key), self._atomic_parts()
        )
        return explain(self._entries, subject, self._is_good)

    def put(
        self, args: Sequence[Any], value: object, kwargs: Mapping[str, Any] | None = None
    ) -> None:
        """Keep `value` as what a call with these arguments returns; the function does not run.

        Parameters
        ----------
        args : sequence
            The positional arguments of the call, such as ``(3,)``.
        value : object
            The result.
        kwargs : mapping, optional
            The keyword arguments of the call.

        Raises
        ------
        fanfold.errors.InvalidArgumentError
            If the function cannot be called with these arguments.
        fanfold.errors.StoreError
            If the store cannot be written.
        pickle.PicklingError
            If the value cannot be pickled.
        """
        args, kwargs = _checked(args), kwargs or {}
        bound = self._signature.bind(args, kwargs)
        key = self._key(args, kwargs)
        run = Run(key, self._full_name, summarize_arguments(bound), self._keys.origin(key))
        self._put(run.key, value, {**run.metadata(), "duration": 0.0})

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Remove the result of a call with these arguments; return whether there was one.

        Raises
        ------
        fanfold.errors.InvalidArgumentError
            If the function cannot be called with these arguments.
        fanfold.errors.StoreError
            If the store cannot be written.
        """
        return self._entries.delete(self._key(args, kwargs))

    def clear(self, warn: bool = True) -> None:
        """Remove all results of this function, those of its earlier versions too.

        Parameters
        ----------
        warn : bool, default=True
            Whether to print that it is done, unless ``verbose`` is 0.

        Raises
        ------
        fanfold.errors.StoreError
            If the store cannot be written.
        """
        if warn:
            self._report.clearing()
        self._entries.clear_function(self._prefix, self.func_id, self._full_name)

    def _atomic_parts(self) -> Mapping[str, object]:
        return hashing.atomic_parts(self.func, self.version)

    def _find(self, key: str) -> Any:
        """Return the result that is in the cache and still good, or MISSING: never an error."""
        value, seconds = self._read(key) if self._is_current(key) else (MISSING, 0.0)
        if value is not MISSING:
            self._note_hit(key, seconds)
        return value

    def _find_reference(self, key: str) -> MemorizedResult[Any] | None:
        """Return a reference to the result that is in the cache and still good, or None."""
        metadata = self._look_up(key)
        if metadata is None or not self._is_current(key, metadata):
            return None
        self._note_hit(key, metadata["duration"])
        return self._reference(key, metadata)

    def _turn(self, key: str) -> Turn:
        """Return what waits for another call that computes this result, if need be."""
        flights = self._entries.flights if self.single_flight else None
        return Turn(flights, key, self._find_again, MISSING)

    def _turn_to_shelve(self, key: str) -> Turn:
        """Return the same for a call that wants a reference, which is found as None if missing."""
        flights = self._entries.flights if self.single_flight else None
        return Turn(flights, key, self._find_reference_again, None)

    def _find_again(self, key: str) -> Any:
        """Return a result that came after :meth:`_find`, or MISSING; what was told is not again."""
        try:
            value, seconds = self._entries.find(key, self._map)
        except Exception:  # noqa: BLE001  whatever it is, `_find` has told it
            return MISSING
        if value is not MISSING:
            if not self._is_current(key):
                return MISSING
            self._note_hit(key, seconds)
        return value

    def _find_reference_again(self, key: str) -> MemorizedResult[Any] | None:
        """Return a reference to a result that came after :meth:`_find_reference`, or None."""
        metadata = self._metadata_again(key)
        if metadata is None or not self._is_current(key, metadata):
            return None
        self._note_hit(key, metadata["duration"])
        return self._reference(key, metadata)

    def _can_be_read(self, key: str) -> bool:
        try:
            return self._entries.find(key, self._map)[0] is not MISSING
        except Exception:  # noqa: BLE001  unpickling runs code of the user's classes
            return False

    def _metadata_again(self, key: str) -> Mapping[str, Any] | None:
        try:
            metadata = self._entries.read_metadata(key)
        except (StoreError, BadSignatureError, CorruptFileError):
            return None  # that has been told
        if metadata is None or self._entries.is_expired(metadata["time"]):
            return None
        return metadata

    def _note_hit(self, key: str, seconds: float) -> None:
        """Note that a result was found, which took so long to compute."""
        self._entries.note_use(key)
        self._entries.counts.hit(seconds)
        self._report.hit(key)

    def _note_miss(self, key: str) -> None:
        """Note that a result is not in the cache."""
        self._entries.counts.miss()
        self._report.miss(key)

    def _begin(self, key: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Run:
        """Note that the function is about to run."""
        self._report.calling(key, args, kwargs)
        bound = self._signature.bind(args, kwargs)
        return Run(key, self._full_name, summarize_arguments(bound), self._keys.origin(key))

    def _keep(self, run: Run, value: Any, turn: Turn | None = None) -> tuple[Any, dict[str, Any]]:
        """Put a result into the cache if possible; return it as a hit would, and its metadata.

        Where another was taken to be dead, and has published its result, that one is returned.
        """
        metadata = run.metadata()
        self._report.returned(metadata["duration"])
        if self._entries.read_only:
            return value, metadata
        try:
            is_first = self._publish(run.key, value, metadata, turn)
        except StoreError as error:
            self._report.not_stored(run.key, error)
        except Exception as error:  # noqa: BLE001  pickling runs code of the user's classes
            self._report.not_storable(run.key, error)
        else:
            if self._map is not None or not is_first:
                mapped, _ = self._read(run.key)
                value = value if mapped is MISSING else mapped
        return value, metadata

    def _shelve(self, run: Run, value: object, turn: Turn | None = None) -> MemorizedResult[Any]:
        """Put a result into the cache and return a reference to it."""
        metadata = run.metadata()
        self._report.returned(metadata["duration"])
        self._publish(run.key, value, metadata, turn)
        return self._reference(run.key, metadata)

    def _publish(
        self, key: str, value: object, metadata: Mapping[str, Any], turn: Turn | None
    ) -> bool:
        """Put a result into the cache; return whether it is there, and not another's."""
        if turn is None:
            self._put(key, value, metadata)
            return True
        if turn.may_be_lost:
            n_bytes = self._entries.write(key, value, metadata, only_if_absent=True)
            is_first = bool(n_bytes)
            if is_first:
                self._report.stored(key, n_bytes, metadata["duration"])
            elif not self._can_be_read(key):  # what is there has expired, or is damaged
                self._put(key, value, metadata)
                is_first = True
        else:
            self._put(key, value, metadata)
            is_first = True
        turn.is_kept = True
        if turn.problem is not None:
            self._report.not_claimed(turn.problem)
        return is_first

    def _is_current(self, key: str, metadata: Mapping[str, Any] | None = None) -> bool:
        """Return whether a result that may be there is still good; remove it if it is not."""
        if self.cache_validation_callback is None:
            return True
        metadata = metadata or self._look_up(key)
        if metadata is None or self._is_good(metadata):
            return metadata is not None
        if self._entries.read_only:
            return False
        # It must not come back as good in case that computing it again fails.
        try:
            self._entries.delete(key)
        except StoreError as error:
            self._report.not_removed(error)
        return False

    def _is_good(self, metadata: Mapping[str, Any]) -> bool:
        good = self.cache_validation_callback
        return good is None or bool(good(metadata))

    def _read(self, key: str) -> tuple[Any, float]:
        try:
            return self._entries.find(key, self._map)
        except StoreError as error:
            self._report.unreadable(error)
        except BadSignatureError as error:
            self._refuse(key, error)
        except Exception as error:  # noqa: BLE001  unpickling runs code of the user's classes
            self._report.damaged(key, error)
        return MISSING, 0.0

    def _look_up(self, key: str) -> Mapping[str, Any] | None:
        try:
            metadata = self._entries.read_metadata(key)
            if metadata is None or self._entries.is_expired(metadata["time"]):
                return None
            return metadata
        except StoreError as error:
            self._report.unreadable(error)
        except BadSignatureError as error:
            self._refuse(key, error)
        except CorruptFileError as error:
            self._report.damaged(key, error)
        return None

    def _refuse(self, key: str, error: BadSignatureError) -> None:
        self._entries.counts.refuse()
        self._report.refused(key, error)

    def _put(self, key: str, value: object, metadata: Mapping[str, Any]) -> None:
        nbytes = self._entries.write(key, value, metadata)
        self._report.stored(key, nbytes, metadata["duration"])

    def _reference(self, key: str, metadata: Mapping[str, Any]) -> MemorizedResult[Any]:
        return MemorizedResult(self._entries, key, self._full_name, metadata, self._map)

    def _finder(
        self, method: str, first_args: tuple[object, ...], *, counts_misses: bool
    ) -> ResultFinder | None:
        """Return what finds results beforehand; None of a method that runs in any case."""
        if method not in ("__call__", "call_and_shelve"):
            return None
        is_shelved = method == "call_and_shelve"
        return ResultFinder(
            self._entries,
            self._report,
            self._key,
            self._peek_reference if is_shelved else self._peek,
            first_args,
            is_shelved=is_shelved,
            counts_misses=counts_misses,
        )

    def _peek(self, key: str, fetched: Fetched | None) -> tuple[Any, float]:
        """Return a result that is there and still good, or MISSING; tell and change nothing."""
        if self.cache_validation_callback is not None:
            metadata = self._entries.read_metadata(key, fetched)
            if metadata is None or not self._is_good(metadata):
                return MISSING, 0.0
        return self._entries.find(key, self._map, fetched)

    def _peek_reference(self, key: str, fetched: Fetched | None) -> tuple[Any, float]:
        """Return a reference to a result that is there and still good, or MISSING."""
        metadata = self._entries.read_metadata(key, fetched)
        if metadata is None or self._entries.is_expired(metadata["time"]):
            return MISSING, 0.0
        if not self._is_good(metadata):
            return MISSING, 0.0
        return self._reference(key, metadata), metadata["duration"]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(func={self.func!r}, location={self.location!r})"

    def _repr_html_(self) -> str:
        return html_table((), self._rows())

    def _rows(self) -> Iterator[tuple[str, str]]:
        """Iterate over what there is to tell, for people."""
        yield "cached function", self._full_name
        yield "location", self.location
        if self.version is not None:
            yield "version", str(self.version)
        if self.ignore:
            yield "ignored", ", ".join(self.ignore)
        if self.store_backend.capabilities.indexed:  # others would list all of them
            n_entries, n_bytes = self.store_backend.totals(f"{self.func_id}/")
            yield "results", str(n_entries)
            yield "size", readable_size(n_bytes)

    def __reduce__(self) -> tuple[Any, ...]:
        return reduce_cached(
            self,
            self._entries,
            self.ignore,
            self.mmap_mode,
            self.verbose,
            self.cache_validation_callback,
            self.version,
            self.single_flight,
            self.deps,
        )


def _checked(args: Sequence[Any]) -> tuple[Any, ...]:
    if not isinstance(args, (tuple, list)):
        raise InvalidArgumentError(
            f"put() was given {args!r} as the arguments of the call: expected them in a tuple, "
            "such as (3,) for one"
        )
    return tuple(args)
