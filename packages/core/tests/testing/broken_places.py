"""Stores that are each wrong about who shares them, what they lock, or what they declare."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from broken_stores import Sound
from fanfold.contracts import Piece, StoreEntry
from fanfold.errors import StoreError
from fanfold.stores import LocalStore


class ReadsAreStale(LocalStore):
    """Answers from what it has read before."""

    def __init__(self, location: str | os.PathLike[str]) -> None:
        super().__init__(location)
        self._seen: dict[tuple[str, int, int | None], bytes] = {}

    def get(self, key: str, start: int = 0, stop: int | None = None) -> bytes | None:
        value = self._seen.get((key, start, stop)) or super().get(key, start, stop)
        if value is not None:
            self._seen[key, start, stop] = value
        return value


class SharesOneLocation(LocalStore):
    """Keeps all that it is given in one place, whatever the location."""

    def _path(self, key: str) -> str:
        place, _, _ = self.location.rpartition("/")
        return super()._path(key).replace(self.location, place)

    def list(self, prefix: str = "") -> Iterator[StoreEntry]:
        return LocalStore(self.location.rpartition("/")[0]).list(prefix)


class CannotBePickled(LocalStore):
    def __init__(self, location: str | os.PathLike[str]) -> None:
        super().__init__(location)
        self._lock = threading.Lock()


class PicklesToAnotherLocation(LocalStore):
    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (f"{self.location}-copy",)


class OnlyWorksWhereItWasMade(LocalStore):
    def __init__(self, location: str | os.PathLike[str]) -> None:
        super().__init__(location)
        self._process = os.getpid()

    def get(self, key: str, start: int = 0, stop: int | None = None) -> bytes | None:
        return super().get(key, start, stop) if self._process == os.getpid() else None


class ClosesForGood(LocalStore):
    _closed = False

    def close(self) -> None:
        self._closed = True

    def get(self, key: str, start: int = 0, stop: int | None = None) -> bytes | None:
        if self._closed:
            raise StoreError("the store is closed")
        return super().get(key, start, stop)


class ClosesForEverybody(LocalStore):
    _closed: ClassVar[set[str]] = set()

    def close(self) -> None:
        self._closed.add(self.location)

    def get(self, key: str, start: int = 0, stop: int | None = None) -> bytes | None:
        if self.location in self._closed:
            raise StoreError("the store is closed")
        return super().get(key, start, stop)


class ThreadsShareOneBuffer(LocalStore):
    _buffer: bytes | None = None

    def get(self, key: str, start: int = 0, stop: int | None = None) -> bytes | None:
        self._buffer = super().get(key, start, stop)
        time.sleep(0.0001)
        return self._buffer


class NewEntriesOverwrite(LocalStore):
    def put_if_absent(self, key: str, pieces: Sequence[Piece]) -> bool:
        self.put(key, pieces)
        return True


class NewEntriesLoseTheirPieces(LocalStore):
    def put_if_absent(self, key: str, pieces: Sequence[Piece]) -> bool:
        return super().put_if_absent(key, pieces[:1])


class NewEntriesRace(LocalStore):
    """Looks, and then writes."""

    def put_if_absent(self, key: str, pieces: Sequence[Piece]) -> bool:
        if self.get(key) is not None:
            return False
        time.sleep(0.001)
        self.put(key, pieces)
        return True


class NewEntriesClaimFirst(LocalStore):
    """Takes the key before it has the value, and keeps it when it dies."""

    def put_if_absent(self, key: str, pieces: Sequence[Piece]) -> bool:
        if not super().put_if_absent(key, []):
            return False
        self.put(key, pieces)
        return True


class LocksLetEverybodyIn(LocalStore):
    def lock(self, name: str, *, wait: bool = True) -> Callable[[], None] | None:
        return lambda: None


class LocksAreOne(LocalStore):
    """Has one lock for all names."""

    def lock(self, name: str, *, wait: bool = True) -> Callable[[], None] | None:
        return super().lock("one", wait=wait)


class LocksAreEntries(LocalStore):
    """Shows what is locked, where nothing is."""

    def lock(self, name: str, *, wait: bool = True) -> Callable[[], None] | None:
        release = super().lock(name, wait=wait)
        self.put_if_absent(f"locked/{name}", [])
        return release


class LocksAreThisProcesss(LocalStore):
    _locks: ClassVar[defaultdict[str, threading.Lock]] = defaultdict(threading.Lock)

    def lock(self, name: str, *, wait: bool = True) -> Callable[[], None] | None:
        lock = self._locks[f"{self.location}/{name}"]
        return lock.release if lock.acquire(blocking=wait) else None


class LocksOutliveTheirHolder(LocalStore):
    """Makes a file, and removes it; who waits gives up after a while."""

    def lock(self, name: str, *, wait: bool = True) -> Callable[[], None] | None:
        path = Path(self.location, f".{name.replace('/', '-')}")
        path.parent.mkdir(exist_ok=True)
        for _ in range(100 if wait else 1):
            try:
                path.touch(exist_ok=False)
            except FileExistsError:
                time.sleep(0.01)
            else:
                return path.unlink
        if wait:
            raise StoreError("it takes too long")
        return None


class TouchDoesNothing(LocalStore):
    def touch(self, key: str) -> bool:
        return self.get(key) is not None


class TouchMakesEntries(LocalStore):
    def touch(self, key: str) -> bool:
        return self.put_if_absent(key, []) or super().touch(key)


class CountsOnlyItsOwn(LocalStore):
    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.sizes: dict[str, int] = {}

    def put(self, key: str, pieces: Sequence[Piece]) -> None:
        super().put(key, pieces)
        self.sizes[key] = sum(map(len, pieces))

    def totals(self, prefix: str = "") -> tuple[int, int]:
        sizes = [size for key, size in self.sizes.items() if key.startswith(prefix)]
        return len(sizes), sum(sizes)


class OrdersByKey(LocalStore):
    def by_use(self, prefix: str = "") -> Iterator[StoreEntry]:
        return iter(sorted(self.list(prefix), key=lambda entry: entry.key))


class OrdersByPosition(LocalStore):
    """Asks again and again for the next few from a position, which deletions move."""

    def by_use(self, prefix: str = "") -> Iterator[StoreEntry]:
        position = 0
        while found := list(super().by_use(prefix))[position : position + 100]:
            yield from found
            position += 100


class LocalPathsHaveAHeader(LocalStore):
    def local_path(self, key: str) -> Path | None:
        path = super().local_path(key)
        if path is None:
            return None
        copy = path.with_name(f".{path.name}")
        copy.write_bytes(b"header" + path.read_bytes())
        return copy


class LocalPathsWithoutEntry(LocalStore):
    def local_path(self, key: str) -> Path | None:
        return Path(self._path(key))


class MappedFilesChange(LocalStore):
    def put(self, key: str, pieces: Sequence[Piece]) -> None:
        path = self.local_path(key)
        if path is None:
            super().put(key, pieces)
        else:
            path.write_bytes(b"".join(pieces))


class ManyComeInAnyOrder(Sound):
    def get_many(
        self, keys: Sequence[str], start: int = 0, stop: int | None = None
    ) -> Sequence[bytes | None]:
        return super().get_many(sorted(keys), start, stop)


class ManyAreThoseThatAreThere(Sound):
    def get_many(
        self, keys: Sequence[str], start: int = 0, stop: int | None = None
    ) -> Sequence[bytes | None]:
        return [one for one in super().get_many(keys, start, stop) if one is not None]


class ManyIsNeverNone(Sound):
    def get_many(
        self, keys: Sequence[str], start: int = 0, stop: int | None = None
    ) -> Sequence[bytes | None]:
        return super().get_many(keys, start, stop) or [None]


class ManyTakesAnyKey(Sound):
    def get_many(
        self, keys: Sequence[str], start: int = 0, stop: int | None = None
    ) -> Sequence[bytes | None]:
        return super().get_many([key for key in keys if ".." not in key], start, stop)
