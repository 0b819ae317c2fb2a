"""The contract of a store: bytes by key.

A store knows nothing of what it keeps: serialisation, integrity checks, compression and eviction
stay in core, so every store gets them. There is no rename and no directory.

*Required*: :meth:`Store.get`, :meth:`Store.put`, :meth:`Store.delete` and :meth:`Store.list`.
Everything else has a default, and is used only where :class:`StoreCapabilities` declares it.

Keys are text: parts joined by ``/``, each part 1 to 200 characters from letters, digits and
``._-+=@,``, not starting with a dot, and 512 characters in all; :func:`check_key` refuses anything
else. So a key is a legal relative path and a legal object name, and needs no quoting in either. For
the same reason, no two keys of one location differ only in case, and none continues another: beside
``a/b`` there is neither ``a/B`` nor ``a/b/c``.

A store passes the suite ``fanfold.testing.StoreConformance``.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from functools import lru_cache

from ..errors import InvalidArgumentError, UnsupportedOperationError
from ._value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import ClassVar

__all__ = [
    "Piece",
    "Store",
    "StoreCapabilities",
    "StoreEntry",
    "check_key",
    "check_prefix",
    "is_key",
]

Piece = bytes | bytearray | memoryview
"""A run of bytes; a value is a sequence of them, so that large arrays need not be joined first."""

_LONGEST_KEY = 512
_is_parts = re.compile(
    r"[\w+=@,\-][\w.+=@,\-]{0,199}(?:/[\w+=@,\-][\w.+=@,\-]{0,199})*", re.ASCII
).fullmatch


@lru_cache(maxsize=64)  # each key is checked several times in a row, at 2 µs each
def is_key(text: str) -> bool:
    """Return whether every store takes `text` as a key."""
    return len(text) <= _LONGEST_KEY and _is_parts(text) is not None


def check_key(key: str) -> str:
    """Return `key` if it is one that every store takes.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If it is empty or too long, or holds a part or a character that is not allowed.
    """
    if is_key(key):
        return key
    raise InvalidArgumentError(
        f"{key!r} is not a store key: expected parts joined by '/', each 1 to 200 ASCII letters, "
        f"digits or any of '._-+=@,' and not starting with a dot, {_LONGEST_KEY} characters in all"
    )


def check_prefix(prefix: str) -> str:
    """Return `prefix` if it is one that :meth:`Store.list` takes: ``""``, or a key and a ``/``.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If it is anything else.
    """
    if not prefix or (prefix.endswith("/") and is_key(prefix[:-1])):
        return prefix
    raise InvalidArgumentError(
        f"{prefix!r} is not a prefix of store keys: expected '' for every key, or whole parts of a "
        "key, each with a '/' after it"
    )


class StoreCapabilities(Value):
    """What a store can do beyond the required methods; each is a promise that the suite checks.

    Attributes
    ----------
    put_if_absent : bool, default=False
        :meth:`Store.put_if_absent` lets exactly one of many writers win, on all hosts.
    touch : bool, default=False
        :meth:`Store.touch` sets an entry's time to now without rewriting it.
    local_paths : bool, default=False
        :meth:`Store.local_path` gives a file that holds just the entry's bytes, for memory mapping.
    spans_hosts : bool, default=False
        Other machines that use the same location see the same entries.
    indexed : bool, default=False
        :meth:`Store.totals` and :meth:`Store.by_use` answer without listing everything. Otherwise
        core lists, each time that it has to know.
    get_many : bool, default=False
        :meth:`Store.get_many` reads many entries in less time than one after the other takes.
    locks : bool, default=False
        :meth:`Store.lock` lets one at a time hold a name, on all hosts that use the location. A
        store that has no such locks but ``put_if_absent`` gets leases from core, in their place.
    """

    __slots__ = (
        "get_many",
        "indexed",
        "local_paths",
        "locks",
        "put_if_absent",
        "spans_hosts",
        "touch",
    )

    put_if_absent: bool
    touch: bool
    local_paths: bool
    spans_hosts: bool
    indexed: bool
    get_many: bool
    locks: bool

    def __init__(
        self,
        *,
        put_if_absent: bool = False,
        touch: bool = False,
        local_paths: bool = False,
        spans_hosts: bool = False,
        indexed: bool = False,
        get_many: bool = False,
        locks: bool = False,
    ) -> None:
        self._hold(
            put_if_absent=put_if_absent,
            touch=touch,
            local_paths=local_paths,
            spans_hosts=spans_hosts,
            indexed=indexed,
            get_many=get_many,
            locks=locks,
        )


class StoreEntry(Value):
    """What a store tells of one entry without reading it.

    Attributes
    ----------
    key : str
        Its key.
    size : int
        Its length in bytes.
    modified : float
        When it was written or last touched, in seconds since the epoch.
    """

    __slots__ = ("key", "size", "modified")  # noqa: RUF023

    key: str
    size: int
    modified: float

    def __init__(self, key: str, size: int, modified: float) -> None:
        self._hold(key=key, size=size, modified=modified)


class Store(ABC):
    """Bytes by key, under one location.

    One instance may be used from many threads at once, and many processes may use one location.

    An instance can be pickled, since it travels to workers with the cached functions that use it;
    the copy has the same location and options, and none of what is open in the original.

    Parameters
    ----------
    location : str or path-like
        Where the entries are: a path, or a URL whose scheme chose this class.
    **options
        What the user gave as ``backend_options``; a constructor should name those it takes.

    Attributes
    ----------
    name : str
        The name, or URL scheme, under which users choose it.
    location : str
        Where the entries are, in a form that means the same in another process.
    capabilities : StoreCapabilities
        What it can do beyond the required methods.

    Raises
    ------
    fanfold.errors.StoreError
        By every method, when the location cannot be reached, read or written.
    """

    name: ClassVar[str]
    capabilities: ClassVar[StoreCapabilities] = StoreCapabilities()

    def __init__(self, location: str) -> None:
        self.location = location

    def __repr__(self) -> str:
        """Return the class and the location; options are left out, as they may be secret."""
        return f"{type(self).__name__}({self.location!r})"

    @abstractmethod
    def get(self, key: str, start: int = 0, stop: int | None = None) -> bytes | None:
        """Return the bytes of an entry, or None where there is none.

        Parameters
        ----------
        key : str
            The entry.
        start, stop : int, int or None
            Which bytes, as in a slice, counted from 0 and never negative. A range that reaches past
            the end gives what there is.
        """

    @abstractmethod
    def put(self, key: str, pieces: Sequence[Piece]) -> None:
        """Write an entry atomically, in the place of one that may be there.

        A reader sees the old bytes or the new ones, whole; a writer that dies leaves the old ones.

        Parameters
        ----------
        key : str
            The entry.
        pieces : sequence of bytes-like
            Its bytes, in order.
        """

    @abstractmethod
    def delete(self, key: str) -> bool:
        """Remove an entry and return whether it was there."""

    @abstractmethod
    def list(self, prefix: str = "") -> Iterator[StoreEntry]:
        """Iterate over the entries whose keys start with `prefix`, in any order.

        Entries that come or go during the iteration may be missed or seen; one that is there
        throughout is seen once. What lies at the location under a name that is no key, such as a
        writer's unfinished work, is never seen.

        Parameters
        ----------
        prefix : str, default=""
            ``""`` for all, or whole parts of a key, each with a ``/`` after it.
        """

    def get_many(
        self, keys: Sequence[str], start: int = 0, stop: int | None = None
    ) -> Sequence[bytes | None]:
        """Return the bytes of many entries, in the order of the keys; None where there is none.

        Core asks for some dozens at once. A key that is given twice counts as two.

        Parameters
        ----------
        keys : sequence of str
            The entries.
        start, stop : int, int or None
            Which bytes of each, as in :meth:`get`.

        Raises
        ------
        fanfold.errors.UnsupportedOperationError
            Unless the capabilities declare ``get_many``.
        """
        raise self._unsupported("get_many")

    def put_if_absent(self, key: str, pieces: Sequence[Piece]) -> bool:
        """Write an entry unless there is one, and return whether this call wrote it.

        Raises
        ------
        fanfold.errors.UnsupportedOperationError
            Unless the capabilities declare ``put_if_absent``.
        """
        raise self._unsupported("put_if_absent")

    def touch(self, key: str) -> bool:
        """Set an entry's time to now and return whether it is there.

        Raises
        ------
        fanfold.errors.UnsupportedOperationError
            Unless the capabilities declare ``touch``.
        """
        raise self._unsupported("touch")

    def local_path(self, key: str) -> Path | None:
        """Return the file that holds just this entry's bytes, or None where there is no entry.

        Nothing ever changes the bytes of that file: who has it open or mapped keeps what was there,
        even when the entry is replaced or deleted.

        Raises
        ------
        fanfold.errors.UnsupportedOperationError
            Unless the capabilities declare ``local_paths``.
        """
        raise self._unsupported("local_paths")

    def totals(self, prefix: str = "") -> tuple[int, int]:
        """Return how many entries there are whose keys start with `prefix`, and their bytes.

        It may count entries that were removed by other means than this class.

        Parameters
        ----------
        prefix : str, default=""
            As in :meth:`list`.

        Raises
        ------
        fanfold.errors.UnsupportedOperationError
            Unless the capabilities declare ``indexed``.
        """
        raise self._unsupported("indexed")

    def by_use(self, prefix: str = "") -> Iterator[StoreEntry]:
        """Iterate over the entries whose keys start with `prefix`, by their times, oldest first.

        Taking the first few takes a time that does not depend on how many there are. Entries may be
        deleted meanwhile.

        Parameters
        ----------
        prefix : str, default=""
            As in :meth:`list`.

        Raises
        ------
        fanfold.errors.UnsupportedOperationError
            Unless the capabilities declare ``indexed``.
        """
        raise self._unsupported("indexed")

    def lock(self, name: str, *, wait: bool = True) -> Callable[[], None] | None:
        """Hold a name until what this returns is called, or this process ends, however it does.

        Nobody else holds it meanwhile: no other process, no other thread, and no other call of this
        thread. Names are no entries, and need none.

        Waiting takes no turns at looking, and can be interrupted by signals.

        Parameters
        ----------
        name : str
            Any key.
        wait : bool, default=True
            Whether to wait where another holds it.

        Returns
        -------
        callable or None
            Gives the name back. None if another holds it, and this was not to wait.

        Raises
        ------
        fanfold.errors.UnsupportedOperationError
            Unless the capabilities declare ``locks``.
        """
        raise self._unsupported("locks")

    def close(self) -> None:  # noqa: B027  optional: many stores hold nothing open
        """Let go of connections and the like; the store may be used again after this."""

    def _unsupported(self, capability: str) -> UnsupportedOperationError:
        return UnsupportedOperationError(
            f"the store {self.name!r} does not declare {capability!r}; check "
            f"{type(self).__name__}.capabilities.{capability} before using it"
        )
