"""Stores that are each broken in one way, for the suite to catch; and two that are not."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from fanfold.contracts import Piece, Store, StoreCapabilities, StoreEntry
from fanfold.stores import LocalStore


class Sound(LocalStore):
    """Keeps the contract."""

    capabilities = StoreCapabilities(
        put_if_absent=True, touch=True, local_paths=True, indexed=True, locks=True, get_many=True
    )

    def get_many(
        self, keys: Sequence[str], start: int = 0, stop: int | None = None
    ) -> Sequence[bytes | None]:
        return [self.get(key, start, stop) for key in keys]


class Minimal(LocalStore):
    """Keeps the contract too, and declares nothing."""

    capabilities = StoreCapabilities()
    put_if_absent = Store.put_if_absent
    lock = Store.lock
    touch = Store.touch
    local_path = Store.local_path
    totals = Store.totals
    by_use = Store.by_use


class UndeclaredWorks(LocalStore):
    capabilities = StoreCapabilities()


class DeclaredDoesNotWork(Minimal):
    capabilities = LocalStore.capabilities


class DeclaresAnything(LocalStore):
    capabilities: ClassVar[Any] = {"put_if_absent"}


class DoesNothing(LocalStore):
    def put(self, key: str, pieces: Sequence[Piece]) -> None:
        super().put(key, pieces)
        super().delete(key)


class LosesPieces(LocalStore):
    def put(self, key: str, pieces: Sequence[Piece]) -> None:
        super().put(key, pieces[:2])


class MissingIsEmpty(LocalStore):
    def get(self, key: str, start: int = 0, stop: int | None = None) -> bytes | None:
        return super().get(key, start, stop) or b""


class EmptyIsMissing(LocalStore):
    def get(self, key: str, start: int = 0, stop: int | None = None) -> bytes | None:
        return super().get(key, start, stop) or None


class ReturnsAView(LocalStore):
    def get(self, key: str, start: int = 0, stop: int | None = None) -> Any:
        value = super().get(key, start, stop)
        return None if value is None else memoryview(value)


class RangesAreOffByOne(LocalStore):
    def get(self, key: str, start: int = 0, stop: int | None = None) -> bytes | None:
        return super().get(key, start, None if stop is None else stop + 1)


class RangesOfBigValuesAreOffByOne(LocalStore):
    def get(self, key: str, start: int = 0, stop: int | None = None) -> bytes | None:
        return super().get(key, start + (start > 1 << 20), stop)


class DoesNotTruncate(LocalStore):
    """Writes in place, over the beginning of a longer value."""

    def put(self, key: str, pieces: Sequence[Piece]) -> None:
        path = super().local_path(key)
        if path is None:
            super().put(key, pieces)
            return
        with path.open("r+b") as file:
            file.writelines(pieces)


class KeepsThePieces(LocalStore):
    """Writes later what it was given, and meanwhile answers from that."""

    def __init__(self, location: str | os.PathLike[str]) -> None:
        super().__init__(location)
        self._late: dict[str, Sequence[Piece]] = {}

    def put(self, key: str, pieces: Sequence[Piece]) -> None:
        self._late[key] = pieces

    def get(self, key: str, start: int = 0, stop: int | None = None) -> bytes | None:
        if key in self._late:
            return b"".join(self._late[key])[start:stop]
        return super().get(key, start, stop)


class WritesInPlace(LocalStore):
    """Empties the file, then writes one piece after the other."""

    def put(self, key: str, pieces: Sequence[Piece]) -> None:
        super().put(key, [])
        with open(self._path(key), "wb", buffering=0) as file:
            for piece in pieces:
                file.write(piece)

    def put_if_absent(self, key: str, pieces: Sequence[Piece]) -> bool:
        if not super().put_if_absent(key, []):
            return False
        self.put(key, pieces)
        return True


class DeletesBeforeItPuts(LocalStore):
    def put(self, key: str, pieces: Sequence[Piece]) -> None:
        self.delete(key)
        time.sleep(0.001)
        super().put(key, pieces)


class ListsUnfinishedWork(LocalStore):
    """Writes beside the entry, under a name that is a key."""

    def put(self, key: str, pieces: Sequence[Piece]) -> None:
        super().put(f"{key}.tmp", [])
        with open(f"{self._path(key)}.tmp", "wb") as file:
            file.writelines(pieces)
        os.replace(f"{self._path(key)}.tmp", self._path(key))


class QuotesKeys(LocalStore):
    """Makes one name of keys that differ."""

    def _path(self, key: str) -> str:
        return super()._path(key).replace("=", "_").replace("-", "_")


class ShortensKeys(LocalStore):
    def _path(self, key: str) -> str:
        return super()._path(key)[: len(self.location) + 150]


class TakesAnyKey(LocalStore):
    def _path(self, key: str) -> str:
        return super()._path("".join(c for c in key if c.isascii() and c.isalnum()) or "x")


class TakesAnyPrefix(LocalStore):
    def list(self, prefix: str = "") -> Iterator[StoreEntry]:
        return (entry for entry in super().list() if entry.key.startswith(prefix))


class PrefixesAreText(LocalStore):
    """Takes ``a/`` for ``a``."""

    def list(self, prefix: str = "") -> Iterator[StoreEntry]:
        list(super().list(prefix))
        return (entry for entry in super().list() if entry.key.startswith(prefix.rstrip("/")))


class ABeginningIsAnEntry(LocalStore):
    def delete(self, key: str) -> bool:
        return bool(list(self.list(f"{key}/"))) or super().delete(key)


class ListsAreShort(LocalStore):
    """Lists no more than one answer of a server holds."""

    def list(self, prefix: str = "") -> Iterator[StoreEntry]:
        return (entry for _, entry in zip(range(1000), super().list(prefix), strict=False))


class ListsTwice(LocalStore):
    def list(self, prefix: str = "") -> Iterator[StoreEntry]:
        for entry in super().list(prefix):
            yield entry
            yield entry


class ListsAMissingEntry(LocalStore):
    def list(self, prefix: str = "") -> Iterator[StoreEntry]:
        yield from super().list(prefix)
        yield StoreEntry(f"{prefix}ghost", 0, time.time())


class ListsWrongSizes(LocalStore):
    def list(self, prefix: str = "") -> Iterator[StoreEntry]:
        for entry in super().list(prefix):
            yield StoreEntry(entry.key, entry.size + 1, entry.modified)


class TellsTheAge(LocalStore):
    """Tells how long ago an entry was written."""

    def list(self, prefix: str = "") -> Iterator[StoreEntry]:
        for entry in super().list(prefix):
            yield StoreEntry(entry.key, entry.size, time.time() - entry.modified)


class ListsLikeADict(LocalStore):
    """Fails when entries come or go during the iteration."""

    def list(self, prefix: str = "") -> Iterator[StoreEntry]:
        before = [entry.key for entry in super().list()]
        for entry in super().list(prefix):
            if [other.key for other in super().list()] != before:
                raise RuntimeError("changed during the iteration")
            yield entry


class ListsByPosition(LocalStore):
    """Asks for one entry after the other, by its number."""

    def list(self, prefix: str = "") -> Iterator[StoreEntry]:
        number = 0
        while number < len(entries := sorted(super().list(prefix), key=lambda entry: entry.key)):
            yield entries[number]
            number += 1


class DeleteLies(LocalStore):
    def delete(self, key: str) -> bool:
        super().delete(key)
        return True


class DeleteDoesNothing(LocalStore):
    def delete(self, key: str) -> bool:
        return self.get(key) is not None


class DeleteNeverSaysYes(LocalStore):
    def delete(self, key: str) -> bool:
        super().delete(key)
        return False


class DeletesTheFolder(LocalStore):
    def delete(self, key: str) -> bool:
        found = super().delete(key)
        for entry in tuple(self.list(f"{key.rpartition('/')[0]}/" if "/" in key else "")):
            super().delete(entry.key)
        return found


class DeletedKeysStayDeleted(LocalStore):
    def __init__(self, location: str | os.PathLike[str]) -> None:
        super().__init__(location)
        self._deleted: set[str] = set()

    def delete(self, key: str) -> bool:
        self._deleted.add(key)
        return super().delete(key)

    def get(self, key: str, start: int = 0, stop: int | None = None) -> bytes | None:
        return None if key in self._deleted else super().get(key, start, stop)

    def put_if_absent(self, key: str, pieces: Sequence[Piece]) -> bool:
        return super().put_if_absent(key, pieces) and key not in self._deleted


class DirectoriesFightWriters(LocalStore):
    """Gives up where it should make a directory again that another has just removed."""

    def put(self, key: str, pieces: Sequence[Piece]) -> None:
        path = Path(self._path(key))
        path.parent.mkdir(parents=True, exist_ok=True)
        # Some wait long enough for another to put, and delete again, what was alone there.
        deadline = time.monotonic() + random.uniform(0, 0.03)
        while path.parent.exists() and time.monotonic() < deadline:
            time.sleep(0.0002)
        temporary = path.with_name(f".{os.urandom(8).hex()}")
        with temporary.open("xb") as file:
            file.writelines(pieces)
        temporary.replace(path)
