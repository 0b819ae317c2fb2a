"""Results in a store: values and what is known of them, by key."""

from __future__ import annotations

import errno
import time
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from ..errors import CorruptFileError, InvalidArgumentError, StoreError
from ..persistence import METADATA_PREFIX, decode, encode, load_path, read_metadata
from ..stores import ReadOnlyStore
from ._counting import Counts
from ._hot import LARGEST, HotTier
from ._reporting import Warner
from ._signing import without_signature
from ._single_flight import SingleFlight
from ._space import Space

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence

    from ..contracts.store import Piece, Store
    from ..persistence import Compress
    from ._budget import Budget
    from ._signing import Signer

    Fetched = Mapping[str, bytes | None]

_READ_AT_ONCE = LARGEST
_HOLDS_TIMES = 1024
_LARGEST_CONDITIONAL = 64 << 20  # a store may have to hold such a value in one piece
_TICK = 1.0  # seconds: what was used that close together is of one age; noting a use takes 8 µs
_MOST_NOTED = 10_000
_DURATION = b'"duration":'
_CREATED = b'"time":'
_MAPPINGS = {
    # An entry never changes: who maps it for writing gets copies of the pages that are written.
    None: None,
    "r": "r",
    "r+": "c",
    "w+": "c",
    "c": "c",
}
_WRITTEN_BY_MEMORY = frozenset({"function", "duration", "time", "input_args"})


MISSING: Final[Any] = object()
"""Stands for the value of an entry that is not there; any other object could be a value."""


class Entries:
    """The results of one :class:`Memory`.

    It can be pickled, and then makes a store of its own in the other process.

    Parameters
    ----------
    make_store : callable
        The class of the store, or a function that makes one.
    location : str or path-like
        Where the store is.
    options : mapping
        What else the store is made with.
    compress : bool, int, str or tuple
        How to compress results; as in :func:`fanfold.dump`.
    budget : Budget
        How much may be kept.
    read_only : bool, default=False
        Whether nothing may be changed.
    hot : int, default=0
        How many bytes of results to keep in the process as well.
    signer : Signer, optional
        Signs what is written, and lets pass what may be read.
    lease_seconds : float, default=30.0
        When to take a process for dead that computes a result, where the store has no locks.
    """

    def __init__(
        self,
        make_store: Callable[..., Store],
        location: object,
        options: Mapping[str, Any],
        compress: Compress,
        budget: Budget,
        read_only: bool = False,
        hot: int = 0,
        signer: Signer | None = None,
        lease_seconds: float = 30.0,
    ) -> None:
        if compress:
            encode(None, compress=compress)  # refuses what it cannot do before it is needed
        store = make_store(location, **options)
        self.store: Store = ReadOnlyStore(store) if read_only else store
        self.read_only = read_only
        self.compress = compress
        self._recipe = (
            make_store,
            self.store.location,
            dict(options),
            compress,
            budget,
            read_only,
            hot,
            signer,
            lease_seconds,
        )
        self._signer = signer
        # What is signed is read whole: it must not change between the check and the unpickling.
        self._has_paths = self.store.capabilities.local_paths and signer is None
        self._notes_use = self.store.capabilities.touch
        self.budget = budget
        self._hot = HotTier(hot) if hot else None
        self._noted: dict[str, float] = {}
        self.warner = Warner()
        self.counts = Counts()
        self.space = Space(self.store, budget, self.delete, self.warner)
        # Who must not write has nothing to tell to those who wait.
        self.flights = None if read_only else SingleFlight(self.store, lease_seconds)

    def __reduce__(self) -> tuple[type[Entries], tuple[object, ...]]:
        return type(self), self._recipe

    def mapping(self, mmap_mode: str | None) -> str | None:
        """Return how arrays are mapped where the user asked for `mmap_mode`.

        Raises
        ------
        fanfold.errors.InvalidArgumentError
            If there is no such mode.
        """
        if mmap_mode not in _MAPPINGS:
            raise InvalidArgumentError(
                f"mmap_mode={mmap_mode!r} is not among {', '.join(map(repr, _MAPPINGS))}"
            )
        if mmap_mode is None or (self._has_paths and not self.compress):
            return _MAPPINGS[mmap_mode]
        why = (
            "results are compressed"
            if self.compress
            else "results are signed"
            if self._signer is not None
            else f"the store {self.store.name!r} has no files that can be mapped"
        )
        self.warner.warn("mmap", f"mmap_mode={mmap_mode!r} has no effect: {why}")
        return None

    def read(self, key: str, mmap_mode: str | None = None) -> Any:
        """Return the value of an entry, or :data:`MISSING`; raises as :meth:`find`."""
        return self.find(key, mmap_mode)[0]

    def find(
        self, key: str, mmap_mode: str | None = None, fetched: Fetched | None = None
    ) -> tuple[Any, float]:
        """Return the value of an entry, or :data:`MISSING`, and how long computing it took.

        Parameters
        ----------
        key : str
            The entry.
        mmap_mode : str, optional
            How to map arrays.
        fetched : mapping, optional
            What :meth:`fetch` returned, where it was asked beforehand.

        Raises
        ------
        fanfold.errors.StoreError
            If the store cannot be read.
        Exception
            If the entry is damaged, or its value cannot be unpickled here, whatever that raises.
        """
        if self._hot is not None and mmap_mode is None:
            hot = self._hot.get(key)
            if hot is not None and not self.is_expired(hot.created):
                return hot.result(), hot.seconds
        at_once = _READ_AT_ONCE if self._has_paths else None
        if fetched is not None and key in fetched:
            data = fetched[key]
        else:
            data = self.store.get(key, 0, at_once if mmap_mode is None else _HOLDS_TIMES)
        if data is None or (self.budget.ttl and self.is_expired(_number(_CREATED, data))):
            return MISSING, 0.0
        if mmap_mode is None and (at_once is None or len(data) < at_once):
            if self._signer is not None:
                self._signer.check(key, data)
            container = without_signature(data)
            value, seconds = decode(container), _number(_DURATION, data)
            if self._hot is not None and len(data) < LARGEST:
                self._hot.add(key, value, bytes(container), seconds, _number(_CREATED, data))
            return value, seconds
        # Loading reads large arrays straight into their place: 10 MB take 2.4 ms, not 3.4.
        return self._load(key, mmap_mode), _number(_DURATION, data)

    @property
    def fetches(self) -> bool:
        """Whether looking for many entries at once takes less time than one after the other."""
        return self.store.capabilities.get_many and not self._has_paths

    def fetch(self, keys: Sequence[str], *, whole: bool) -> Fetched | None:
        """Return what the store has of entries, for :meth:`find`; None if that gains nothing.

        Parameters
        ----------
        keys : sequence of str
            The entries.
        whole : bool
            Whether all of each is needed, or no more than :meth:`read_metadata` looks at.

        Raises
        ------
        fanfold.errors.StoreError
            If the store cannot be read.
        """
        if not self.fetches:
            return None
        hot: Container[str] = self._hot if self._hot is not None and whole else ()
        wanted = [key for key in dict.fromkeys(keys) if key not in hot]
        stop = None if whole or self._signer is not None else METADATA_PREFIX
        return dict(zip(wanted, self.store.get_many(wanted, 0, stop), strict=True))

    def read_metadata(self, key: str, fetched: Fetched | None = None) -> Mapping[str, Any] | None:
        """Return what is known of an entry, or None where there is none.

        Raises
        ------
        fanfold.errors.StoreError
            If the store cannot be read.
        fanfold.errors.CorruptFileError
            If the entry is damaged there, or nothing that a Memory wrote.
        """
        if fetched is not None and key in fetched:
            start = fetched[key]
        else:
            start = self.store.get(key, 0, METADATA_PREFIX if self._signer is None else None)
        if start is None:
            return None
        if self._signer is not None:
            self._signer.check(key, start)
        metadata = read_metadata(start)
        if not metadata.keys() >= _WRITTEN_BY_MEMORY:
            raise CorruptFileError(f"the entry {key!r} says nothing of where it comes from")
        return metadata

    def write(
        self,
        key: str,
        value: object,
        metadata: Mapping[str, object],
        *,
        only_if_absent: bool = False,
    ) -> int:
        """Put an entry in the place of one that may be there, and return its size in bytes.

        Parameters
        ----------
        key : str
            The key.
        value : object
            The result.
        metadata : mapping
            What is to be known of it.
        only_if_absent : bool, default=False
            Leave an entry that is there, and return 0 then. The store must be able to.

        Raises
        ------
        fanfold.errors.StoreError
            If the store cannot be written.
        Exception
            If the value cannot be pickled, whatever that raises.
        """
        pieces = encode(value, compress=self.compress, metadata=metadata)
        if self._signer is not None:
            pieces.append(self._signer.sign(key, pieces))
        if self._hot is not None:
            self._hot.discard(key)
        n_bytes = sum(map(len, pieces))
        if not only_if_absent:
            self.store.put(key, pieces)
        elif not self._put_if_absent(key, pieces, n_bytes):
            return 0
        self.space.note_added(n_bytes)
        return n_bytes

    def _put_if_absent(self, key: str, pieces: Sequence[Piece], n_bytes: int) -> bool:
        if n_bytes <= _LARGEST_CONDITIONAL:
            return self.store.put_if_absent(key, pieces)
        if self.store.get(key, 0, 0) is not None:
            return False
        self.store.put(key, pieces)
        return True

    def delete(self, key: str) -> bool:
        """Remove an entry, and return whether it was there.

        Raises
        ------
        fanfold.errors.StoreError
            If the store cannot be written.
        """
        if self._hot is not None:
            self._hot.discard(key)
        return self.store.delete(key)

    def is_expired(self, created: float) -> bool:
        """Return whether a result that was computed then is too old to be used."""
        return self.budget.ttl is not None and time.time() - created > self.budget.ttl

    def note_use(self, key: str) -> None:
        """Have :meth:`Memory.reduce_size` know that an entry was of use just now."""
        if not self._notes_use:
            return
        now = monotonic()
        if now - self._noted.get(key, 0.0) < _TICK:
            return
        if len(self._noted) >= _MOST_NOTED:
            self._noted.clear()
        self._noted[key] = now
        try:
            self.store.touch(key)
        except StoreError as error:
            self._notes_use = False
            self.warner.warn("touch", f"results are found, but their use is not noted: {error}")

    def check_writable(self) -> None:
        """Refuse to change what was opened to be read.

        Raises
        ------
        fanfold.errors.StoreError
            If it was.
        """
        if self.read_only:
            raise StoreError(
                errno.EROFS,
                f"the cache at {self.store.location!r} was opened with read_only=True: leave that "
                "out to change it",
            )

    def clear(self, prefix: str) -> None:
        """Remove the entries whose keys start with `prefix`, which ends with a slash."""
        self.check_writable()
        for entry in self.store.list(prefix):
            self.delete(entry.key)

    def clear_function(self, prefix: str, current: str, function: str) -> None:
        """Remove the results of a function, and spare those of its namesakes in other modules.

        Parameters
        ----------
        prefix : str
            What the keys of all functions of that name start with.
        current : str
            What those of the function in its present version start with.
        function : str
            Its name with its module, as in the metadata.
        """
        self.check_writable()
        is_own = {current: True}
        for entry in self.store.list(prefix):
            version = entry.key.rpartition("/")[0]
            if version not in is_own:
                is_own[version] = self._function_of(entry.key) in (function, None)
            if is_own[version]:
                self.delete(entry.key)

    def _function_of(self, key: str) -> str | None:
        try:
            metadata = self.read_metadata(key)
        except CorruptFileError:  # nobody's, so it may go
            return None
        return None if metadata is None else str(metadata["function"])

    def _load(self, key: str, mmap_mode: str | None) -> Any:
        path = self.store.local_path(key)
        if path is None:
            return MISSING
        try:
            return load_path(path, mmap_mode)
        except FileNotFoundError:  # removed in between
            return MISSING


def _number(name: bytes, data: bytes) -> float:
    """Return a number of the metadata from the first bytes of an entry; 0 where it is not.

    Parsing the metadata as JSON would take ten times as long, a fifth of a hit. Inside a text of
    it, the quotes would have backslashes.
    """
    start = data.find(name, 0, _HOLDS_TIMES) + len(name)
    end = data.find(b",", start)
    try:
        return float(data[start:end])
    except ValueError:  # not where a Memory puts it
        return 0.0
