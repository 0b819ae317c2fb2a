"""The store that keeps its entries as files of a directory."""

from __future__ import annotations

import os
from stat import S_ISREG
from typing import ClassVar

from ..contracts.store import Store, StoreCapabilities, StoreEntry, check_key, check_prefix, is_key
from ..errors import InvalidArgumentError, StoreError
from ._failure import failure
from ._index import Index
from ._locking import HAS_LOCKS, locks as kernel_locks
from ._publish import discard, prune, publish, publish_new, sweep, write_temporary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from ..contracts.store import Piece

_READ: int = os.O_RDONLY | getattr(os, "O_BINARY", 0)


class LocalStore(Store):
    """Entries as files of a directory: the entry ``a/b`` is the file ``b`` in its directory ``a``.

    Every write is atomic against other threads, other processes and the death of the writer; after
    a power failure, the newest entries may be damaged, which core notices by their checksums. The
    directory may be on a network file system that renames atomically.

    The directory is made by the first write. Unfinished values are in its hidden directory
    ``.partial``; those that a dead writer left go after a day.

    Parameters
    ----------
    location : str or path-like
        The directory. A relative path is taken from the current directory, now and for good. A URL
        is taken if it is ``file:///absolute/path``.
    locks : bool, optional
        Whether to have the kernel keep locks, in the hidden directory ``.locks``. By default that
        is so where the directory is on a file system of this machine, of a kind that is known.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        When the location is empty or another URL, or this system has no locks.

    Examples
    --------
    >>> import tempfile
    >>> store = LocalStore(tempfile.mkdtemp())
    >>> store.put("greetings/first", [b"hello, ", b"world"])
    >>> store.get("greetings/first", 0, 5)
    b'hello'
    >>> store.put_if_absent("greetings/first", [b"too late"])
    False
    >>> [(entry.key, entry.size) for entry in store.list()]
    [('greetings/first', 12)]
    """

    name: ClassVar[str] = "local"
    capabilities: ClassVar[StoreCapabilities] = StoreCapabilities(
        put_if_absent=True, touch=True, local_paths=True, indexed=True, locks=True
    )

    def __init__(self, location: str | os.PathLike[str], *, locks: bool | None = None) -> None:
        super().__init__(os.path.abspath(_path_of(location)))
        if locks and not HAS_LOCKS:
            raise InvalidArgumentError(
                "locks=True: only Linux has the locks that this store uses; leave it out"
            )
        self._has_locks = kernel_locks.may_be_used(self.location) if locks is None else locks
        if not self._has_locks and self.capabilities.locks:
            # The location decides here, not only the class.
            self.capabilities = _without_locks(self.capabilities)  # type: ignore[misc]
        self._partial = f"{self.location}/.partial"
        self._swept = False
        self._index = Index(self.location, self._all, self._look)

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name != "_index"}

    def __setstate__(self, state: dict[str, object]) -> None:
        vars(self).update(state)
        self._index = Index(self.location, self._all, self._look)

    def get(self, key: str, start: int = 0, stop: int | None = None) -> bytes | None:
        """Return the bytes of an entry, or None where there is none."""
        try:
            file = os.open(self._path(key), _READ)
            try:
                return _read(file, start, stop)
            finally:
                os.close(file)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise self._failure("read", key, error) from error

    def put(self, key: str, pieces: Sequence[Piece]) -> None:
        """Write an entry atomically, in the place of one that may be there."""
        path = self._path(key)
        try:
            temporary, info = self._write(pieces)
            self._begin(key, temporary)
            publish(temporary, path)
            self._index.note_put(key, info.st_size, info.st_mtime)
        except StoreError:
            raise
        except OSError as error:
            raise self._failure("write", key, error) from error

    def put_if_absent(self, key: str, pieces: Sequence[Piece]) -> bool:
        """Write an entry unless there is one, and return whether this call wrote it."""
        path = self._path(key)
        try:
            if _is_file(path):
                return False
            temporary, _ = self._write(pieces)
            self._begin(key, temporary)
            has_won = publish_new(temporary, path, f"{self.location}/.lock")
            self._index.note_change(key)
            return has_won
        except OSError as error:
            raise self._failure("write", key, error) from error

    def delete(self, key: str) -> bool:
        """Remove an entry and return whether it was there."""
        path = self._path(key)
        try:
            os.unlink(path)
            self._index.note_change(key)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            if os.path.isdir(path):
                return False
            raise self._failure("delete", key, error) from error
        prune(os.path.dirname(path), self.location)
        return True

    def list(self, prefix: str = "") -> Iterator[StoreEntry]:
        """Iterate over the entries whose keys start with `prefix`, in any order."""
        return self._walk(check_prefix(prefix))

    def touch(self, key: str) -> bool:
        """Set an entry's time to now and return whether it is there."""
        path = self._path(key)
        try:
            if not _is_file(path):
                return False
            os.utime(path)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._failure("touch", key, error) from error
        return True

    def local_path(self, key: str) -> Path | None:
        """Return the file that holds just this entry's bytes, or None where there is no entry."""
        from pathlib import Path

        path = self._path(key)
        try:
            return Path(path) if _is_file(path) else None
        except OSError as error:
            raise self._failure("find", key, error) from error

    def totals(self, prefix: str = "") -> tuple[int, int]:
        """Return how many entries there are whose keys start with `prefix`, and their bytes."""
        check_prefix(prefix)
        return self._index.totals(prefix) if os.path.isdir(self.location) else (0, 0)

    def by_use(self, prefix: str = "") -> Iterator[StoreEntry]:
        """Iterate over the entries whose keys start with `prefix`, by their times, oldest first."""
        check_prefix(prefix)
        return self._index.by_use(prefix) if os.path.isdir(self.location) else iter(())

    def lock(self, name: str, *, wait: bool = True) -> Callable[[], None] | None:
        """Hold a name until what this returns is called, or this process ends."""
        if not self._has_locks:
            raise self._unsupported("locks")
        try:
            lock = kernel_locks.lock(f"{self.location}/.locks/names", check_key(name), wait)
        except OSError as error:
            raise failure(f"lock {name!r}", self.location, error) from error
        return None if lock is None else lock.release

    def close(self) -> None:
        """Let go of the file that is open for the index."""
        self._index.close()

    def _all(self) -> Iterator[StoreEntry]:
        return self._walk("")

    def _look(self, key: str) -> StoreEntry | None:
        try:
            info = os.stat(f"{self.location}/{key}")
        except (FileNotFoundError, NotADirectoryError):
            return None
        return StoreEntry(key, info.st_size, info.st_mtime) if S_ISREG(info.st_mode) else None

    def _begin(self, key: str, temporary: str) -> None:
        try:
            self._index.note_begun(key)
        except BaseException:
            discard(temporary)
            raise

    def _path(self, key: str) -> str:
        return f"{self.location}/{check_key(key)}"

    def _write(self, pieces: Sequence[Piece]) -> tuple[str, os.stat_result]:
        if not self._swept:
            self._swept = True
            sweep(self._partial)
        return write_temporary(self._partial, pieces)

    def _walk(self, prefix: str) -> Iterator[StoreEntry]:
        folders = [prefix]
        while folders:
            folder = folders.pop()
            for file in self._scan(folder):
                key = folder + file.name
                if not is_key(key):
                    continue
                try:
                    if file.is_dir(follow_symlinks=False):
                        folders.append(f"{key}/")
                        continue
                    info = file.stat()
                except FileNotFoundError:
                    continue  # deleted since the directory was read
                except OSError as error:
                    raise self._failure("list", key, error) from error
                if S_ISREG(info.st_mode):
                    yield StoreEntry(key, info.st_size, info.st_mtime)

    def _scan(self, folder: str) -> Sequence[os.DirEntry[str]]:
        try:
            with os.scandir(f"{self.location}/{folder}") as found:
                return tuple(found)
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except OSError as error:
            raise failure("list its entries", self.location, error) from error

    def _failure(self, action: str, key: str, error: OSError) -> StoreError:
        return failure(f"{action} the entry {key!r}", self.location, error)


def _without_locks(capabilities: StoreCapabilities) -> StoreCapabilities:
    names = StoreCapabilities.__slots__
    return StoreCapabilities(
        **{name: name != "locks" and getattr(capabilities, name) for name in names}
    )


def _path_of(location: str | os.PathLike[str]) -> str:
    path = os.fsdecode(location)
    if path.startswith("file:///"):
        from urllib.parse import unquote

        path = unquote(path.removeprefix("file://"))
        return path.lstrip("/") if os.name == "nt" else path  # file:///C:/cache
    if not path or "://" in path:
        raise InvalidArgumentError(
            f"{location!r} is not the location of a local store: expected a path, or a URL such as "
            "'file:///absolute/path'"
        )
    return path


def _is_file(path: str) -> bool:
    try:
        return S_ISREG(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _read(file: int, start: int, stop: int | None) -> bytes:
    size = os.fstat(file).st_size
    wanted = (size if stop is None else min(stop, size)) - start
    if wanted <= 0:
        return b""
    if start:
        os.lseek(file, start, os.SEEK_SET)
    data = os.read(file, wanted)
    if len(data) == wanted:
        return data
    # The system reads 2 GB at most at a time.
    parts = [data]
    wanted -= len(data)
    while wanted and (data := os.read(file, wanted)):
        parts.append(data)
        wanted -= len(data)
    return b"".join(parts)
