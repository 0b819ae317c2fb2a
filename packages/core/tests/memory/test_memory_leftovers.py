"""What processes leave that die while they compute or wait, and ``fanfold cache verify``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from fanfold.cli import main
from fanfold.contracts import Store
from fanfold.memory.care import find_leftovers
from fanfold.stores import LocalStore

NOTE = "fanfold-waiting/name/note"
LEASE = "fanfold-leases/name.1"
DAY = 24 * 60 * 60.0


def put(store: Store, key: str, value: bytes, age: float) -> None:
    store.put(key, [value])
    path = Path(store.location, key)
    written = path.stat().st_mtime - age
    os.utime(path, (written, written))


def keys(store: Store) -> list[str]:
    return [key for key, _ in find_leftovers(store)]


def test_a_note_is_left_once_nobody_holds_it(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    put(store, NOTE, b"[]", age=0)
    release = store.lock(NOTE)
    assert release is not None

    assert keys(store) == []
    release()
    assert list(find_leftovers(store)) == [
        (NOTE, "the note of a process that died while it waited")
    ]


def test_without_locks_a_note_is_left_after_a_day(tmp_path: Path) -> None:
    store = LocalStore(tmp_path, locks=False)

    put(store, NOTE, b"[]", age=DAY / 2)
    assert keys(store) == []
    put(store, NOTE, b"[]", age=DAY * 2)
    assert keys(store) == [NOTE]


@pytest.mark.parametrize(
    ("text", "age", "is_left"),
    [
        (b"holder 3 1000.0", 900, False),
        (b"holder 3 1000.0", 1100, True),
        (b"written by nobody", 50, False),
        (b"written by nobody", 100, True),
    ],
)
def test_a_lease_is_left_after_its_term(
    tmp_path: Path, text: bytes, age: float, is_left: bool
) -> None:
    store = LocalStore(tmp_path)
    put(store, LEASE, text, age)

    assert keys(store) == [LEASE] * is_left


def test_verify_removes_what_is_left(tmp_path: Path, capsys: Any) -> None:
    store = LocalStore(tmp_path)
    put(store, NOTE, b"[]", age=0)
    put(store, LEASE, b"holder 3 30.0", age=DAY)

    assert main(["cache", "verify", str(tmp_path), "--keep"]) == 0
    assert len(list(store.list())) == 2
    assert main(["cache", "verify", str(tmp_path)]) == 0
    assert list(store.list()) == []
