"""Which entries a directory has, by when they were last used, without listing it.

The index is a SQLite file in the hidden directory ``.index``, and beside it are the logs of the
processes that write (see :mod:`._log`). Whatever asks the index first has it take over what is new
in the logs, in one transaction, so each line counts once, whoever dies when.

The index is never the truth. The files are, and a file's modification time is when the entry was
last used: using an entry costs the index nothing. What the index knows of an entry may be outdated
in one direction only, an entry was used later than it knows. So the first in its order is looked at
on disk, and moved back if need be; the first that is as the index says is the one that was not used
for longest. An index that is lost or damaged is made anew from a listing.
"""

from __future__ import annotations

import os
import time
from contextlib import closing, suppress
from typing import TypeVar

from ..contracts.store import StoreEntry
from ..errors import StoreError
from ._log import BEGUN, PUT, Log, begun_line, changed_line, put_line, whole_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")

_VERSION = 1
_BATCH = 200
_WAIT_SECONDS = 60.0
_ABANDONED_AFTER = 24 * 60 * 60.0
_UNFINISHED_AFTER = 60.0
_SCHEMA = """
CREATE TABLE folders (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
    entries INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE entries (
    id INTEGER PRIMARY KEY, folder INTEGER NOT NULL, leaf TEXT NOT NULL,
    size INTEGER NOT NULL, used REAL NOT NULL, UNIQUE (folder, leaf)
);
CREATE INDEX by_use ON entries (used);
CREATE TABLE logs (name TEXT PRIMARY KEY, taken INTEGER NOT NULL);
CREATE TABLE begun (key TEXT NOT NULL, log TEXT NOT NULL, since REAL, PRIMARY KEY (key, log));
CREATE TRIGGER added AFTER INSERT ON entries BEGIN
    UPDATE folders SET entries = entries + 1, bytes = bytes + new.size WHERE id = new.folder;
END;
CREATE TRIGGER removed AFTER DELETE ON entries BEGIN
    UPDATE folders SET entries = entries - 1, bytes = bytes - old.size WHERE id = old.folder;
END;
CREATE TRIGGER resized AFTER UPDATE OF size ON entries BEGIN
    UPDATE folders SET bytes = bytes + new.size - old.size WHERE id = new.folder;
END;
"""
_ADD = """
INSERT INTO entries (folder, leaf, size, used)
VALUES ((SELECT id FROM folders WHERE name = ?), ?, ?, ?)
ON CONFLICT (folder, leaf) DO UPDATE SET size = excluded.size, used = excluded.used
"""
_REMOVE = "DELETE FROM entries WHERE folder = (SELECT id FROM folders WHERE name = ?) AND leaf = ?"
_TOTALS = """
SELECT coalesce(sum(entries), 0), coalesce(sum(bytes), 0) FROM folders
WHERE substr(name, 1, length(:prefix)) = :prefix
"""
# CROSS JOIN has SQLite walk along the order of use, instead of sorting all entries.
_FIRST = """
SELECT entries.id, folders.name || entries.leaf, entries.size, entries.used
FROM entries CROSS JOIN folders ON folders.id = entries.folder
WHERE (entries.used, entries.id) > (:used, :id)
AND substr(folders.name, 1, length(:prefix)) = :prefix
ORDER BY entries.used, entries.id LIMIT :batch
"""

Row = tuple[int, str, int, float]


class Index:
    """The index of one directory.

    Parameters
    ----------
    location : str
        The directory.
    walk : callable
        Returns an iterator over all its entries.
    look : callable
        Returns an entry as it is on disk, by its key, or None where it is not.
    """

    def __init__(
        self,
        location: str,
        walk: Callable[[], Iterable[StoreEntry]],
        look: Callable[[str], StoreEntry | None],
    ) -> None:
        self._folder = f"{location}/.index"
        self._path = f"{self._folder}/entries.sqlite"
        self._logs = f"{self._folder}/new"
        self._log = Log(self._logs)
        self._location = location
        self._walk = walk
        self._look = look

    def note_begun(self, key: str) -> None:
        """Note that an entry is about to get its name.

        If nothing is noted of it after that, because its writer died, the disk is asked.
        """
        self._log.append(begun_line(key, time.time()))

    def note_put(self, key: str, size: int, used: float) -> None:
        """Note an entry that has its name now; at times, take over the logs."""
        if self._log.append(put_line(key, size, used), checks=False):
            self._log.replace(lambda: self._run(lambda connection: None))

    def note_change(self, key: str) -> None:
        """Note that an entry was deleted, or is not what was noted before."""
        self._log.append(changed_line(key))

    def totals(self, prefix: str) -> tuple[int, int]:
        """Return how many entries there are whose keys start with `prefix`, and their bytes."""

        def ask(connection: sqlite3.Connection) -> tuple[int, int]:
            n_entries, n_bytes = connection.execute(_TOTALS, {"prefix": prefix}).fetchone()
            return n_entries, n_bytes

        return self._run(ask)

    def by_use(self, prefix: str) -> Iterator[StoreEntry]:
        """Iterate over these entries, as they are on disk, least recently used first."""
        used, last = float("-inf"), 0
        while True:
            after = {"used": used, "id": last, "prefix": prefix, "batch": _BATCH}
            rows = self._run(lambda connection, after=after: self._first(connection, after))  # type: ignore[misc]  # binds the loop's variable
            for _, key, size, modified in rows:
                yield StoreEntry(key, size, modified)
            if len(rows) < _BATCH:
                return
            last, _, _, used = rows[-1]

    def forget(self) -> None:
        """Remove the index; what asks it next makes it anew."""
        for path in (f"{self._path}-journal", self._path):
            with suppress(FileNotFoundError):
                os.unlink(path)

    def close(self) -> None:
        """Let go of the log."""
        self._log.close()

    def _first(self, connection: sqlite3.Connection, after: dict[str, object]) -> list[Row]:
        """Return the next rows in the order of use, once all of them are as on disk."""
        looked_at: set[tuple[int, float]] = set()
        while True:
            rows: list[Row] = connection.execute(_FIRST, after).fetchall()
            outdated = [row for row in rows if not self._is_true(connection, row, looked_at)]
            if not outdated:
                return rows

    def _is_true(
        self, connection: sqlite3.Connection, row: Row, looked_at: set[tuple[int, float]]
    ) -> bool:
        """Return whether a row tells how its entry is on disk; put it right if it does not."""
        number, key, size, used = row
        if (number, used) in looked_at:
            return True
        entry = self._look(key)
        if entry is None:
            connection.execute("DELETE FROM entries WHERE id = ?", (number,))
            return False
        looked_at.add((number, entry.modified))
        if (entry.size, entry.modified) == (size, used):
            return True
        connection.execute(
            "UPDATE entries SET size = ?, used = ? WHERE id = ?",
            (entry.size, entry.modified, number),
        )
        return False

    def _run(self, action: Callable[[sqlite3.Connection], T]) -> T:
        """Do something with an index that knows all; make the index anew if it is damaged."""
        import sqlite3  # 5 ms that only those pay who ask the index

        try:
            try:
                return self._transact(action)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                self.forget()
                return self._transact(action)
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                getattr(error, "errno", None),
                f"the index of the store at {self._location!r} cannot be used: {error}; see that "
                f"{self._folder!r} can be written, or remove it: it is made anew",
            ) from error

    def _transact(self, action: Callable[[sqlite3.Connection], T]) -> T:
        import sqlite3

        os.makedirs(self._folder, exist_ok=True)
        # A connection for each call needs no care after a fork, nor among threads: it takes 0.2 ms.
        connection = sqlite3.connect(self._path, timeout=_WAIT_SECONDS, isolation_level=None)
        with closing(connection):
            # Only a power failure can do harm then, and the index can be lost.
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA cache_size = -65536")
            connection.execute("BEGIN IMMEDIATE")
            self._make(connection)
            finished = self._take_over(connection)
            result = action(connection)
            connection.execute("COMMIT")
        for path in finished:
            with suppress(OSError):  # another user's, or taken away by another process
                os.unlink(path)
        return result

    def _make(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == _VERSION:
            return
        for kind, name in connection.execute(
            "SELECT type, name FROM sqlite_master WHERE type = 'table'"
        ).fetchall():
            connection.execute(f"DROP {kind} {name}")
        for statement in _statements(_SCHEMA):
            connection.execute(statement)
        _add(connection, ((entry.key, entry.size, entry.modified) for entry in self._walk()))
        connection.execute(f"PRAGMA user_version = {_VERSION}")

    def _take_over(self, connection: sqlite3.Connection) -> list[str]:
        """Add what is new in all logs, and return the paths of those that are of no more use."""
        taken = dict(connection.execute("SELECT name, taken FROM logs").fetchall())
        abandoned = time.time() - _ABANDONED_AFTER
        finished = []
        news = News()
        for file in self._scan():
            info = file.stat()
            start = taken.pop(file.name, 0)
            if info.st_size > start:
                data = _read_lines(file.path, start)
                news.read(file.name, data)
                connection.execute(
                    "INSERT OR REPLACE INTO logs VALUES (?, ?)", (file.name, start + len(data))
                )
            elif info.st_mtime < abandoned:
                finished.append(file.path)
        connection.executemany("DELETE FROM logs WHERE name = ?", ((name,) for name in taken))
        self._apply(connection, news)
        return finished

    def _scan(self) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self._logs) as found:
                return list(found)
        except FileNotFoundError:
            return []

    def _apply(self, connection: sqlite3.Connection, news: News) -> None:
        connection.executemany("DELETE FROM begun WHERE key = ? AND log = ?", news.ended)
        rows = ((key, log, since) for (key, log), since in news.begun.items())
        connection.executemany("INSERT OR REPLACE INTO begun VALUES (?, ?, ?)", rows)
        unfinished = time.time() - _UNFINISHED_AFTER
        left = connection.execute("SELECT key FROM begun WHERE since < ?", (unfinished,)).fetchall()
        connection.execute("DELETE FROM begun WHERE since < ?", (unfinished,))
        # The lines of several processes are in no order, but the disk knows what became of it all.
        for key in news.disputed.union(key for (key,) in left):
            news.put.pop(key, None)
            entry = self._look(key)
            if entry is None:
                connection.execute(_REMOVE, _split(key))
            else:
                news.put[key] = key, entry.size, entry.modified
        _add(connection, news.put.values())


class News:
    """What is new in the logs.

    Attributes
    ----------
    put : dict
        Key, size and time of what was put, by key.
    disputed : set of str
        The keys of which more was told than that they were put once.
    begun : dict
        Since when a key is about to be put, by the key and the name of the log.
    ended : list of tuple
        The keys that are not about to be put any more, each with the name of the log.
    """

    def __init__(self) -> None:
        self.put: dict[str, tuple[str, int, float]] = {}
        self.disputed: set[str] = set()
        self.begun: dict[tuple[str, str], float] = {}
        self.ended: list[tuple[str, str]] = []

    def read(self, log: str, lines: bytes) -> None:
        """Add the lines of a log."""
        for line in lines.splitlines():
            kind, name, *rest = line.split()
            key = name.decode()
            if kind == BEGUN:
                self.begun[key, log] = float(rest[0])
                continue
            if self.begun.pop((key, log), None) is None:
                self.ended.append((key, log))
            if kind != PUT or key in self.put:
                self.disputed.add(key)
            if kind == PUT:
                self.put[key] = key, int(rest[0]), float(rest[1])


def _add(connection: sqlite3.Connection, entries: Iterable[tuple[str, int, float]]) -> None:
    folders: set[str] = set()

    def rows() -> Iterator[tuple[str, str, int, float]]:
        for key, size, used in entries:
            folder, leaf = _split(key)
            if folder not in folders:
                folders.add(folder)
                connection.execute("INSERT OR IGNORE INTO folders (name) VALUES (?)", (folder,))
            yield folder, leaf, size, used

    connection.executemany(_ADD, rows())


def _split(key: str) -> tuple[str, str]:
    folder, slash, leaf = key.rpartition("/")
    return folder + slash, leaf


def _read_lines(path: str, start: int) -> bytes:
    with open(path, "rb") as file:
        file.seek(start)
        return whole_lines(file.read())


def _statements(script: str) -> Iterator[str]:
    """Iterate over the statements of a script, which ``executescript`` would run in pieces."""
    from sqlite3 import complete_statement

    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if complete_statement(statement):
            yield statement
            statement = ""
