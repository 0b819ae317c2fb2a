"""A store that is only read."""

from __future__ import annotations

import errno
from typing import ClassVar

from ..contracts.store import Store, StoreCapabilities
from ..errors import StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import NoReturn

    from ..contracts.store import Piece, StoreEntry


class ReadOnlyStore(Store):
    """Shows the entries of another store and changes nothing there, not even their times.

    Parameters
    ----------
    store : Store
        The store.
    """

    name: ClassVar[str] = "read-only"

    def __init__(self, store: Store) -> None:
        super().__init__(store.location)
        self._store = store
        self.capabilities = StoreCapabilities(  # type: ignore[misc]  # those of what it wraps
            local_paths=store.capabilities.local_paths,
            spans_hosts=store.capabilities.spans_hosts,
            get_many=store.capabilities.get_many,
        )

    def get(self, key: str, start: int = 0, stop: int | None = None) -> bytes | None:
        """Return the bytes of an entry, or None where there is none."""
        return self._store.get(key, start, stop)

    def get_many(
        self, keys: Sequence[str], start: int = 0, stop: int | None = None
    ) -> Sequence[bytes | None]:
        """Return the bytes of many entries, in the order of the keys."""
        return self._store.get_many(keys, start, stop)

    def list(self, prefix: str = "") -> Iterator[StoreEntry]:
        """Iterate over the entries whose keys start with `prefix`, in any order."""
        return self._store.list(prefix)

    def local_path(self, key: str) -> Path | None:
        """Return the file that holds just this entry's bytes, or None where there is no entry."""
        return self._store.local_path(key)

    def put(self, key: str, pieces: Sequence[Piece]) -> NoReturn:
        """Refuse.

        Raises
        ------
        fanfold.errors.StoreError
            Always.
        """
        raise self._refusal("write", key)

    def delete(self, key: str) -> NoReturn:
        """Refuse.

        Raises
        ------
        fanfold.errors.StoreError
            Always.
        """
        raise self._refusal("delete", key)

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def _refusal(self, action: str, key: str) -> StoreError:
        return StoreError(
            errno.EROFS,
            f"cannot {action} the entry {key!r} in {self.location!r}, because the cache was opened "
            "with read_only=True; leave that out to change it",
        )
