"""Results in a store: values and what is known of them, by key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..errors import CorruptFileError, InvalidArgumentError, StoreError
from ..persistence import METADATA_PREFIX, decode, encode, load_path, read_metadata
from ._counting import Counts
from ._reporting import Warner

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..contracts.store import Store
    from ..persistence import Compress

_READ_AT_ONCE = 128 * 1024
_HOLDS_SECONDS = 1024
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
    """

    def __init__(
        self,
        make_store: Callable[..., Store],
        location: object,
        options: Mapping[str, Any],
        compress: Compress,
    ) -> None:
        if compress:
            encode(None, compress=compress)  # refuses what it cannot do before it is needed
        self.store = make_store(location, **options)
        self.compress = compress
        self._recipe = (make_store, self.store.location, dict(options), compress)
        self._has_paths = self.store.capabilities.local_paths
        self._notes_use = self.store.capabilities.touch
        self.warner = Warner()
        self.counts = Counts()

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
            else f"the store {self.store.name!r} has no files that can be mapped"
        )
        self.warner.warn("mmap", f"mmap_mode={mmap_mode!r} has no effect: {why}")
        return None

    def read(self, key: str, mmap_mode: str | None = None) -> Any:
        """Return the value of an entry, or :data:`MISSING`; raises as :meth:`find`."""
        return self.find(key, mmap_mode)[0]

    def find(self, key: str, mmap_mode: str | None = None) -> tuple[Any, float]:
        """Return the value of an entry, or :data:`MISSING`, and how long computing it took.

        Raises
        ------
        fanfold.errors.StoreError
            If the store cannot be read.
        Exception
            If the entry is damaged, or its value cannot be unpickled here, whatever that raises.
        """
        at_once = _READ_AT_ONCE if self._has_paths else None
        data = self.store.get(key, 0, at_once if mmap_mode is None else _HOLDS_SECONDS)
        if data is None:
            return MISSING, 0.0
        if mmap_mode is None and (at_once is None or len(data) < at_once):
            return decode(data), _seconds(data)
        # Loading reads large arrays straight into their place: 10 MB take 2.4 ms, not 3.4.
        return self._load(key, mmap_mode), _seconds(data)

    def read_metadata(self, key: str) -> Mapping[str, Any] | None:
        """Return what is known of an entry, or None where there is none.

        Raises
        ------
        fanfold.errors.StoreError
            If the store cannot be read.
        fanfold.errors.CorruptFileError
            If the entry is damaged there, or nothing that a Memory wrote.
        """
        start = self.store.get(key, 0, METADATA_PREFIX)
        if start is None:
            return None
        metadata = read_metadata(start)
        if not metadata.keys() >= _WRITTEN_BY_MEMORY:
            raise CorruptFileError(f"the entry {key!r} says nothing of where it comes from")
        return metadata

    def write(self, key: str, value: object, metadata: Mapping[str, object]) -> int:
        """Put an entry in the place of one that may be there, and return its size in bytes.

        Raises
        ------
        fanfold.errors.StoreError
            If the store cannot be written.
        Exception
            If the value cannot be pickled, whatever that raises.
        """
        pieces = encode(value, compress=self.compress, metadata=metadata)
        self.store.put(key, pieces)
        return sum(map(len, pieces))

    def note_use(self, key: str) -> None:
        """Have :meth:`Memory.reduce_size` know that an entry was of use just now."""
        if not self._notes_use:
            return
        try:
            self.store.touch(key)
        except StoreError as error:
            self._notes_use = False
            self.warner.warn("touch", f"results are found, but their use is not noted: {error}")

    def clear(self, prefix: str) -> None:
        """Remove the entries whose keys start with `prefix`, which ends with a slash."""
        for entry in self.store.list(prefix):
            self.store.delete(entry.key)

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
        is_own = {current: True}
        for entry in self.store.list(prefix):
            version = entry.key.rpartition("/")[0]
            if version not in is_own:
                is_own[version] = self._function_of(entry.key) in (function, None)
            if is_own[version]:
                self.store.delete(entry.key)

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


def _seconds(data: bytes) -> float:
    """Return how long computing a result took, from the first bytes of its entry.

    Parsing the metadata as JSON would take ten times as long, a fifth of a hit. Inside a text of
    it, the quotes would have backslashes.
    """
    name = b'"duration":'
    start = data.find(name, 0, _HOLDS_SECONDS) + len(name)
    end = data.find(b",", start)
    try:
        return float(data[start:end])
    except ValueError:  # not where a Memory puts it
        return 0.0
