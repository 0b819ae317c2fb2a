"""The contract of a store: bytes by key.

A store knows nothing of what it keeps: serialisation, integrity checks, compression and eviction
stay in core, so every store gets them. There is no rename, no directory and no lock.

*Required*: :meth:`Store.get`, :meth:`Store.put`, :meth:`Store.delete` and :meth:`Store.list`.
Everything else has a default, and is used only where :class:`StoreCapabilities` declares it.

Keys are text: parts joined by ``/``, each part 1 to 200 characters from letters, digits and
``._-+=@<>,``, not starting with a dot; :func:`check_key` refuses anything else. So a key is a legal
relative path and a legal object name, and needs no quoting in either.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeAlias

from ..errors import InvalidArgumentError, UnsupportedOperationError

__all__ = ["Piece", "Store", "StoreCapabilities", "StoreEntry", "check_key"]

Piece: TypeAlias = bytes | bytearray | memoryview
"""A run of bytes; a value is a sequence of them, so that large arrays need not be joined first."""

_KEY = re.compile(r"[\w+=@<>,\-][\w.+=@<>,\-]{0,199}(/[\w+=@<>,\-][\w.+=@<>,\-]{0,199})*", re.ASCII)


def check_key(key: str) -> str:
    """Return `key` if it is one that every store takes.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If it is empty, or holds a part or a character that is not allowed.
    """
    if not _KEY.fullmatch(key):
        raise InvalidArgumentError(
            f"{key!r} is not a store key: expected parts joined by '/', each 1 to 200 ASCII "
            "letters, digits or any of '._-+=@<>,' and not starting with a dot"
        )
    return key


@dataclass(frozen=True, slots=True)
class StoreCapabilities:
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
    """

    put_if_absent: bool = False
    touch: bool = False
    local_paths: bool = False
    spans_hosts: bool = False


@dataclass(frozen=True, slots=True)
class StoreEntry:
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

    key: str
    size: int
    modified: float


class Store(ABC):
    """Bytes by key, under one location.

    One instance may be used from many threads at once, and many processes may use one location.

    Parameters
    ----------
    location : str
        Where the entries are: a path, or a URL whose scheme chose this class.
    **options
        What the user gave as ``backend_options``; a constructor should name those it takes.

    Attributes
    ----------
    name : str
        The name, or URL scheme, under which users choose it.
    location : str
        As given.
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

        The prefix is ``""`` or ends with ``/``. Entries that come or go during the iteration may be
        missed or seen; one that is there throughout is seen once.
        """

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

        Raises
        ------
        fanfold.errors.UnsupportedOperationError
            Unless the capabilities declare ``local_paths``.
        """
        raise self._unsupported("local_paths")

    def close(self) -> None:  # noqa: B027  optional: many stores hold nothing open
        """Let go of connections and the like; the store may be used again after this."""

    def _unsupported(self, capability: str) -> UnsupportedOperationError:
        return UnsupportedOperationError(
            f"the store {self.name!r} does not declare {capability!r}; check "
            f"{type(self).__name__}.capabilities.{capability} before using it"
        )
