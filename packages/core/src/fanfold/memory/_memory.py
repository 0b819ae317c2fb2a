"""``Memory``: where the results of functions are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from ..errors import InvalidArgumentError
from ..hashing import register_hasher
from ..plugins import stores
from ._async_function import AsyncMemorizedFunc, is_coroutine_function
from ._base import CachedFunction
from ._budget import Budget
from ._counting import CacheStats
from ._entries import Entries
from ._eviction import check_items, parse_size, seconds_of
from ._function import MemorizedFunc
from ._key import ROOT
from ._looking import CacheEntry, look
from ._method import CachedMethod
from ._reporting import say
from ._showing import html_table
from ._signing import Signer
from ._uncached import AsyncNotMemorizedFunc, NotMemorizedFunc

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
    from datetime import timedelta
    from typing import Literal, Protocol

    from ..contracts.store import Store
    from ..persistence import Compress
    from ._memorized import Validation
    from ._signing import SigningKey

    P = ParamSpec("P")
    R = TypeVar("R")
    Cached = MemorizedFunc[P, R] | NotMemorizedFunc[P, R]
    AsyncCached = AsyncMemorizedFunc[P, R] | AsyncNotMemorizedFunc[P, R]

    class _Decorator(Protocol):
        @overload
        def __call__(  # type: ignore[overload-overlap]  # a coroutine function is a function too
            self, func: Callable[P, Coroutine[Any, Any, R]]
        ) -> AsyncCached[P, R]: ...
        @overload
        def __call__(self, func: Callable[P, R]) -> Cached[P, R]: ...


class Memory:
    """Keeps the results of functions: the same call is computed only once.

    A result is found again by the function's name, by all that decides what the function does (its
    code, defaults, closure, the globals that it reads, the functions of the same project that it
    calls), and by the values of the arguments: in any process, session or machine that reaches the
    same location. So changing code never gives a stale result, and never deletes one: changing it
    back finds the old results. See :func:`fanfold.hashing.fingerprint` for what cannot be seen.

    Nothing that goes wrong with the cache disturbs the calls. A damaged entry is computed again and
    replaced, and without a writable store results are computed but not kept; a
    :class:`fanfold.errors.FanfoldWarning` says so once.

    A Memory may be used from many threads, and many processes may use one location. It can be
    pickled.

    Parameters
    ----------
    location : str, path-like or None, default=None
        A directory, or a URL such as ``"s3://bucket/prefix"``, whose scheme chooses the store. What
        else is there is left alone. None keeps nothing.
    backend : str, default="local"
        The name of the store, where the location does not decide.
    mmap_mode : {None, "r", "r+", "w+", "c"}, default=None
        Map the arrays of results from their files instead of reading them: with ``"r"`` as
        read-only, with the others so that writing to an array changes it in memory only. Results
        that are kept never change.
    compress : bool, int, str or tuple, default=False
        How to compress results, as in :func:`fanfold.dump`. They cannot be mapped then.
    verbose : int, default=1
        0 prints nothing, 1 what is computed, 2 also what is found, 11 also under which key.
    backend_options : mapping, optional
        What else to make the store with.
    max_bytes : int or str, optional
        How many bytes of results to keep, also as ``"500K"``, ``"1.5M"`` or ``"10GB"``. When there
        are more, those that were not used for longest go, as by :meth:`reduce_size`. The cache of
        one process is never larger after a call; each further process may add a hundredth of the
        limit until it looks again.
    max_entries : int, optional
        How many results to keep; in the same way.
    ttl : float or datetime.timedelta, optional
        For how many seconds after it was computed a result is used. Later it is computed anew and
        replaced; one that is not asked for any more is removed some time after.

    read_only : bool, default=False
        Only read what is there: what is not is computed and not kept, and uses are not noted. What
        would change the cache, such as :meth:`clear`, raises a :class:`fanfold.errors.StoreError`.

    hot : int or str, optional
        How many bytes of results to keep in the process too, also as ``"64MB"``: those of up to
        128 KB that were used last. They are found without asking the store, so one that another
        process removes or replaces is found for as long as it stays here.
    signing_key : bytes, str, callable or sequence of these, optional
        Sign each result, and take only what is signed: whoever can write to the store but does not
        have the key cannot run code here. The key itself, at least 16 bytes; the name of an
        environment variable that holds it; or a function that returns it. The latter two can travel
        to workers. Of several, the first signs, and what any of them signed is taken, so that keys
        can be rotated. What is refused is computed again and replaced, with one warning, and counts
        in :meth:`stats`. Signed results are not mapped.
    single_flight : bool, default=True
        Of several calls that need the same result at once, in any thread, process or host, have one
        compute it and the others wait. If that one is interrupted or dies, another computes in its
        place; if it raises, or its result cannot be kept, the others compute too, side by side. A
        call never waits for one that it is itself a part of.
    lease_seconds : float, default=30.0
        Where the store has no locks, as in S3 and on network file systems: how long after the last
        sign of life of a process that computes another takes over. What the first publishes later
        replaces nothing.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If an argument is none of these.
    fanfold.errors.FanfoldError
        If there is no such store.

    Examples
    --------
    >>> import tempfile
    >>> from fanfold import Memory
    >>> memory = Memory(tempfile.mkdtemp(), verbose=0)
    >>> @memory.cache
    ... def square(x):
    ...     print("computing")
    ...     return x * x
    >>> square(3)
    computing
    9
    >>> square(3)
    9
    """

    def __init__(
        self,
        location: str | os.PathLike[str] | None = None,
        backend: str = "local",
        mmap_mode: str | None = None,
        compress: Compress = False,
        verbose: int = 1,
        backend_options: Mapping[str, Any] | None = None,
        *,
        max_bytes: int | str | None = None,
        max_entries: int | None = None,
        ttl: float | timedelta | None = None,
        read_only: bool = False,
        hot: int | str | None = None,
        signing_key: SigningKey | None = None,
        single_flight: bool = True,
        lease_seconds: float = 30.0,
    ) -> None:
        self.location = location
        self.backend = backend
        self.mmap_mode = mmap_mode
        self.compress = compress
        self.verbose = int(verbose)
        self.single_flight = single_flight
        self.backend_options = dict(backend_options or {})
        hot_bytes = parse_size(hot, "hot") or 0
        signer = None if signing_key is None else Signer(signing_key)
        budget = Budget(max_bytes, max_entries, ttl)
        self._entries: Entries | None = None
        if location is not None:
            # The default leaves the choice to the location's scheme.
            chosen = stores.for_location(location, None if backend == "local" else backend)
            self._entries = Entries(
                chosen,
                location,
                self.backend_options,
                compress,
                budget,
                read_only,
                hot_bytes,
                signer,
                _checked_lease(lease_seconds),
            )
            self._entries.mapping(mmap_mode)

    @property
    def store_backend(self) -> Store | None:
        """The store; None where nothing is kept."""
        return None if self._entries is None else self._entries.store

    @overload
    def cache(  # type: ignore[overload-overlap]  # a coroutine function is a function too
        self,
        func: Callable[P, Coroutine[Any, Any, R]],
        ignore: Iterable[str] | None = ...,
        verbose: int | None = ...,
        mmap_mode: str | Literal[False] | None = ...,
        cache_validation_callback: Validation | None = ...,
        version: str | int | None = ...,
        single_flight: bool | None = ...,
        deps: bool = ...,
    ) -> AsyncCached[P, R]: ...
    @overload
    def cache(
        self,
        func: Callable[P, R],
        ignore: Iterable[str] | None = ...,
        verbose: int | None = ...,
        mmap_mode: str | Literal[False] | None = ...,
        cache_validation_callback: Validation | None = ...,
        version: str | int | None = ...,
        single_flight: bool | None = ...,
        deps: bool = ...,
    ) -> Cached[P, R]: ...
    @overload
    def cache(
        self,
        func: None = ...,
        ignore: Iterable[str] | None = ...,
        verbose: int | None = ...,
        mmap_mode: str | Literal[False] | None = ...,
        cache_validation_callback: Validation | None = ...,
        version: str | int | None = ...,
        single_flight: bool | None = ...,
        deps: bool = ...,
    ) -> _Decorator: ...
    def cache(
        self,
        func: Callable[..., Any] | None = None,
        ignore: Iterable[str] | None = None,
        verbose: int | None = None,
        mmap_mode: str | Literal[False] | None = False,
        cache_validation_callback: Validation | None = None,
        version: str | int | None = None,
        single_flight: bool | None = None,
        deps: bool = True,
    ) -> Any:
        """Return a function that is computed once for the same arguments.

        To be called with a function, or to be used as a decorator, with arguments or without.
        Functions of a class are cached with their instance as an argument, which counts by value.

        Parameters
        ----------
        func : callable, optional
            The function: a plain one, a coroutine function, a method, a ``functools.partial``, or
            any object that can be called. Of a function that is cached already, the function in it
            is taken, with the settings given here.
        ignore : iterable of str, optional
            Parameters that do not count: calls that differ only in these share one result. ``"*"``
            and ``"**"`` stand for what the function takes as ``*args`` and ``**kwargs``.
        verbose : int, optional
            What to print; by default as the Memory.
        mmap_mode : {None, "r", "r+", "w+", "c"}, optional
            How to map arrays; by default as the Memory.
        cache_validation_callback : callable, optional
            Called with the metadata of a result that was found, a mapping with ``"time"``,
            ``"duration"`` and ``"input_args"``; unless it returns something true, the result is
            removed and computed anew. See :func:`expires_after`.
        version : str or int, optional
            Pins the function: in place of its code and all that it depends on, only this counts.
            Change it when results change. For what fanfold cannot see, such as a model in a file,
            or cannot hash; see :func:`fanfold.hashing.explain`.
        single_flight : bool, optional
            Whether a call waits for one that computes the same; by default as the Memory.
        deps : bool, default=True
            False counts only what the function's own text says, as joblib does: not the globals
            that it reads, the functions that it calls, what it encloses, nor its defaults other
            than as arguments. Then a change of these gives old results.

        Returns
        -------
        MemorizedFunc, AsyncMemorizedFunc, NotMemorizedFunc or AsyncNotMemorizedFunc
            The latter two where nothing is kept.

        Raises
        ------
        fanfold.errors.InvalidArgumentError
            If `func` cannot be called, `ignore` names something that is no parameter of it, or
            another argument is none of these.
        """
        mmap_mode = self.mmap_mode if mmap_mode is False else mmap_mode
        verbose = self.verbose if verbose is None else verbose
        if func is None:

            def decorate(func: Callable[..., Any]) -> Any:
                return self.cache(
                    func,
                    ignore,
                    verbose,
                    mmap_mode,
                    cache_validation_callback,
                    version,
                    single_flight,
                    deps,
                )

            return decorate
        if self._entries is None:
            coroutine = is_coroutine_function(func)
            return AsyncNotMemorizedFunc(func) if coroutine else NotMemorizedFunc(func)
        if isinstance(func, (CachedFunction, CachedMethod)):
            func = func.func
        kind = AsyncMemorizedFunc if is_coroutine_function(func) else MemorizedFunc
        return kind(
            func,
            self._entries,
            ignore,
            mmap_mode,
            verbose,
            cache_validation_callback,
            version,
            self.single_flight if single_flight is None else single_flight,
            deps,
        )

    def eval(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Return ``func(*args, **kwargs)``, from the cache if it is there."""
        return self.cache(func)(*args, **kwargs)

    def clear(self, warn: bool = True) -> None:
        """Remove the results of all functions.

        Parameters
        ----------
        warn : bool, default=True
            Whether to print that it is done, unless ``verbose`` is 0.

        Raises
        ------
        fanfold.errors.StoreError
            If the store cannot be written.
        """
        if self._entries is None:
            return
        if warn and self.verbose:
            say(f"Clearing all results in {self.location}")
        self._entries.clear(ROOT)

    def reduce_size(
        self,
        bytes_limit: int | str | None = None,
        items_limit: int | None = None,
        age_limit: timedelta | None = None,
    ) -> None:
        """Remove the results that have not been used for longest, until all limits are kept.

        Parameters
        ----------
        bytes_limit : int or str, optional
            How many bytes may stay; also as ``"500K"``, ``"1.5M"`` or ``"10G"``.
        items_limit : int, optional
            How many results may stay.
        age_limit : datetime.timedelta, optional
            How long ago the results that stay may have been used last.

        Raises
        ------
        fanfold.errors.InvalidArgumentError
            If a limit is none of these.
        fanfold.errors.StoreError
            If the store cannot be read or written.
        """
        bytes_limit = parse_size(bytes_limit)
        items_limit = check_items(items_limit)
        age = seconds_of(age_limit)
        if self._entries is None:
            return
        self._entries.check_writable()
        self._entries.space.evict(bytes_limit, items_limit, age)

    def entries(self) -> Iterator[CacheEntry]:
        """Iterate over the results that are kept, of all functions, in any order.

        Each is told from the beginning of its entry; nothing is unpickled, and none counts as used.

        Raises
        ------
        fanfold.errors.StoreError
            If the store cannot be read.

        Examples
        --------
        >>> import tempfile
        >>> memory = Memory(tempfile.mkdtemp(), verbose=0)
        >>> @memory.cache
        ... def square(x):
        ...     return x * x
        >>> _ = square(3), square(4)
        >>> sorted(entry.arguments["x"] for entry in memory.entries())
        ['3', '4']
        """
        return iter(()) if self._entries is None else look(self._entries)

    def stats(self) -> CacheStats:
        """Return how much is kept, and what it saved this Memory in this process.

        Raises
        ------
        fanfold.errors.StoreError
            If the store cannot be read.
        """
        if self._entries is None:
            return CacheStats(hits=0, misses=0, seconds_saved=0.0, refused=0, entries=0, bytes=0)
        hits, misses, refused, seconds_saved = self._entries.counts.totals()
        n_entries, n_bytes = self._entries.space.totals()
        return CacheStats(
            hits=hits,
            misses=misses,
            seconds_saved=seconds_saved,
            refused=refused,
            entries=n_entries,
            bytes=n_bytes,
        )

    def _repr_html_(self) -> str:
        rows = [("location", str(self.location)), *self.stats().rows()]
        return html_table((), rows)

    def __repr__(self) -> str:
        location = None if self._entries is None else self._entries.store.location
        return f"{type(self).__name__}(location={location!r})"


def register_store_backend(backend_name: str, backend: Callable[..., Store]) -> None:
    """Let ``Memory(..., backend=backend_name)`` mean a store, in this process.

    A location with the name as its URL scheme then means it too.

    Parameters
    ----------
    backend_name : str
        Any name, a built-in one too.
    backend : callable
        A class that derives from :class:`fanfold.contracts.Store`, or a function that returns an
        instance of one.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If the name is not a string, or `backend` cannot make a store.
    """
    stores.register(backend_name, backend)


def _checked_lease(seconds: float) -> float:
    if isinstance(seconds, (int, float)) and seconds > 0:
        return seconds
    raise InvalidArgumentError(
        f"lease_seconds={seconds!r}: expected after how many seconds without a sign of life a "
        "process is taken for dead, above 0"
    )


def _hashed(memory: Memory) -> object:
    """Return what counts of a Memory where it is an argument, or a global: nothing.

    Functions return the same wherever their results are kept.
    """
    return None


register_hasher(Memory, _hashed)
