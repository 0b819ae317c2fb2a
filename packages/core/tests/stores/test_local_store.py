from __future__ import annotations

import errno
import os
import pickle
import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from fanfold.contracts import Piece, Store
from fanfold.errors import FanfoldWarning, InvalidArgumentError, StoreError
from fanfold.stores import LocalStore

USES: dict[str, Callable[[Store], object]] = {
    "get": lambda store: store.get("a/b"),
    "put": lambda store: store.put("a/b", [b"value"]),
    "put_if_absent": lambda store: store.put_if_absent("a/b", [b"value"]),
    "delete": lambda store: store.delete("a/b"),
    "list": lambda store: list(store.list()),
    "list_folder": lambda store: list(store.list("a/")),
    "touch": lambda store: store.touch("a/b"),
    "local_path": lambda store: store.local_path("a/b"),
    "lock": lambda store: store.lock("a/b"),
}


class Failing(Sequence[Piece]):
    """Pieces of which the second cannot be had; what follows happens before that is noticed."""

    def __init__(self, fail: Callable[[], object]) -> None:
        self._fail = fail

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: Any) -> Any:
        if index == 1:
            self._fail()
        if index > 1:
            raise IndexError
        return b"x" * 100_000


def unfinished(store: LocalStore) -> list[str]:
    folder = Path(store.location, ".partial")
    return os.listdir(folder) if folder.is_dir() else []


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """Give a location that this user cannot look into; root gives up its rights for a while."""
    location = tmp_path / "store"
    LocalStore(location).put("a/b", [b"value"])
    location.chmod(0)
    user = os.geteuid()
    os.seteuid(user or 65534)
    yield location
    os.seteuid(user)
    location.chmod(0o700)


def test_the_directory_is_made_by_the_first_write(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "not" / "yet")

    assert store.get("a") is None
    assert not list(store.list())
    assert not (tmp_path / "not").exists()

    store.put("a", [b"value"])
    assert (tmp_path / "not" / "yet" / "a").read_bytes() == b"value"


def test_a_relative_location_stays_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = LocalStore("cache")
    store.put("a", [b"value"])
    (tmp_path / "elsewhere").mkdir()

    monkeypatch.chdir(tmp_path / "elsewhere")

    assert store.location == str(tmp_path / "cache")
    assert store.get("a") == b"value"
    assert pickle.loads(pickle.dumps(store)).get("a") == b"value"


def test_a_file_url_is_a_location(tmp_path: Path) -> None:
    store = LocalStore(f"file://{tmp_path}/with%20space")

    assert store.location == f"{tmp_path}/with space"


@pytest.mark.parametrize("location", ["", "s3://bucket/prefix", "file://host/path", "file://"])
def test_other_locations_are_refused(location: str) -> None:
    with pytest.raises(InvalidArgumentError, match="is not the location of a local store"):
        LocalStore(location)


def test_its_repr_shows_the_location(store: LocalStore) -> None:
    assert repr(store) == f"LocalStore({store.location!r})"


def test_entries_have_the_permissions_that_the_umask_leaves(store: LocalStore) -> None:
    previous = os.umask(0o027)
    try:
        store.put("a", [b"value"])
    finally:
        os.umask(previous)

    path = store.local_path("a")
    assert path is not None
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_delete_removes_the_directories_that_it_empties(store: LocalStore) -> None:
    for key in ("a/b/c/d", "a/e", "f"):
        store.put(key, [b"value"])

    store.delete("a/b/c/d")
    assert sorted(os.listdir(f"{store.location}/a")) == ["e"]

    store.delete("a/e")
    store.delete("f")
    assert sorted(os.listdir(store.location)) == [".index", ".partial"]


def test_foreign_files_are_not_listed(store: LocalStore) -> None:
    store.put("a/b", [b"value"])
    for name in ("a/.hidden", "a/with space", ".partial/unfinished"):
        Path(store.location, name).touch()
    Path(store.location, "a", "nowhere").symlink_to("missing")
    Path(store.location, "loop").symlink_to(store.location)

    assert [entry.key for entry in store.list()] == ["a/b"]


def test_what_is_no_sequence_of_pieces_leaves_nothing(store: LocalStore) -> None:
    with pytest.raises(TypeError):
        store.put("a", b"value")  # type: ignore[arg-type]  # bytes are a sequence, but of numbers

    assert unfinished(store) == []
    assert not list(store.list())


def test_a_write_that_fails_midway_leaves_the_old_value_and_no_debris(store: LocalStore) -> None:
    store.put("a", [b"old"])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(
            StoreError, match="cannot write the entry 'a': File too large"
        ) as raised:
            store.put("a", [b"x" * 100_000])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert raised.value.errno == errno.EFBIG
    assert store.get("a") == b"old"
    assert unfinished(store) == []


def test_a_disk_that_is_full_after_half_of_a_small_value_is_told(store: LocalStore) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))  # the rest is not written then
    try:
        with pytest.raises(StoreError, match="cannot write the entry 'a': No space left"):
            store.put("a", [b"x" * 60_000])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert unfinished(store) == []


@pytest.mark.parametrize(
    ("number", "step"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "free some space"),
        (errno.EROFS, "read-only: choose another location"),
        (errno.EACCES, "give this user access"),
        (errno.ENAMETOOLONG, "shorter path"),
        (errno.EIO, "check that the location's file system is mounted"),
    ],
)
def test_a_failure_says_where_what_and_the_next_step(
    store: LocalStore, number: int, step: str
) -> None:
    def fail() -> None:
        raise OSError(number, os.strerror(number))

    with pytest.raises(StoreError, match=step) as raised:
        store.put("a/b", Failing(fail))

    error = raised.value
    assert error.errno == number
    assert error.filename == store.location
    assert isinstance(error.__cause__, OSError)
    for part in (store.location, "'a/b'", os.strerror(number)):
        assert part in str(error)
    assert unfinished(store) == []


def test_a_failure_without_a_number_tells_its_text(store: LocalStore) -> None:
    def fail() -> None:
        raise OSError("the disk is on fire")

    with pytest.raises(StoreError, match="the disk is on fire"):
        store.put("a/b", Failing(fail))


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_location_without_access_is_an_error_of_every_method(
    use: Callable[[Store], object], locked: Path
) -> None:
    with pytest.raises(StoreError, match="give this user access to that path") as raised:
        use(LocalStore(locked))

    assert raised.value.errno == errno.EACCES
    assert isinstance(raised.value.__cause__, PermissionError)


def test_a_listing_whose_entry_cannot_be_looked_at_is_an_error(store: LocalStore) -> None:
    store.put("a/b", [b"value"])
    path = Path(store.location, "a", "circle")
    path.symlink_to(path)

    with pytest.raises(StoreError, match="cannot list the entry 'a/circle'"):
        list(store.list())


def test_a_location_that_is_a_file_is_an_error_of_a_write(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")

    with pytest.raises(StoreError, match="something else is in the way"):
        LocalStore(path).put("a", [b"value"])
    assert path.read_bytes() == b"content"


@pytest.mark.parametrize("method", ["put", "put_if_absent"])
@pytest.mark.parametrize("key", ["a", "a/b/c"])
def test_a_key_that_continues_another_is_an_error_of_a_write(
    store: LocalStore, method: str, key: str
) -> None:
    store.put("a/b", [b"value"])

    with pytest.raises(StoreError, match="something else is in the way"):
        getattr(store, method)(key, [b"other"])

    assert store.get("a/b") == b"value"
    assert unfinished(store) == []


def test_a_directory_that_cannot_be_made_is_an_error(store: LocalStore) -> None:
    store.put("b", [b"value"])
    Path(store.location, "a").symlink_to("missing")

    with pytest.raises(StoreError, match="No such file or directory"):
        store.put("a/b", [b"value"])


def test_a_location_removed_in_the_middle_of_a_put_is_an_error(store: LocalStore) -> None:
    def remove() -> None:
        shutil.rmtree(store.location)

    with pytest.raises(StoreError, match="No such file or directory"):
        store.put("a/b", Failing(remove))

    store.put("a/b", [b"value"])
    assert store.get("a/b") == b"value"


def test_what_dead_writers_left_goes_after_a_day(store: LocalStore) -> None:
    partial = Path(store.location, ".partial")
    partial.mkdir(parents=True)
    for name, age in {"recent": 3600, "old": 90_000}.items():
        (partial / name).touch()
        os.utime(partial / name, times=(0, time.time() - age))
    (partial / "old directory").mkdir()
    os.utime(partial / "old directory", times=(0, 0))

    store.put("a", [b"value"])

    assert sorted(unfinished(store)) == ["old directory", "recent"]


def test_an_entry_that_goes_while_it_is_touched_is_not_there(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("a", [b"value"])
    utime = os.utime

    def utime_too_late(path: str) -> None:
        store.delete("a")
        utime(path)

    monkeypatch.setattr(os, "utime", utime_too_late)

    assert store.touch("a") is False


def test_a_file_that_the_system_reads_in_parts_comes_back_whole(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Linux reads 2 GB at most at a time.
    value = os.urandom(10_000)
    store.put("a", [value])
    read = os.read
    monkeypatch.setattr(os, "read", lambda file, wanted: read(file, min(wanted, 999)))

    assert store.get("a") == value
    assert store.get("a", 1000, 5000) == value[1000:5000]


def test_without_hard_links_it_says_that_the_promise_is_weaker(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", fail_with(errno.EPERM))

    with pytest.warns(FanfoldWarning, match="has no hard links"):
        assert store.put_if_absent("a", [b"value"]) is True
    assert store.get("a") == b"value"
    assert unfinished(store) == []


def test_a_link_that_fails_for_another_reason_is_an_error(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", fail_with(errno.EIO))

    with pytest.raises(StoreError, match="Input/output error"):
        store.put_if_absent("a", [b"value"])
    assert unfinished(store) == []


def fail_with(number: int) -> Callable[[str, str], None]:
    def fail(_source: str, _target: str) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("place", ["/proc", "/sys/fs/nowhere"])
def test_a_file_system_that_is_not_known_has_no_locks(place: str) -> None:
    assert not LocalStore(place).capabilities.locks


def test_without_the_list_of_file_systems_there_are_no_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "/proc/self/mountinfo")

    monkeypatch.setattr("builtins.open", refuse)

    assert not LocalStore(tmp_path / "new").capabilities.locks


@pytest.mark.parametrize("wanted", [True, False])
def test_whether_there_are_locks_may_be_said(tmp_path: Path, wanted: bool) -> None:
    store = LocalStore(tmp_path, locks=wanted)

    assert store.capabilities.locks is wanted
    assert pickle.loads(pickle.dumps(store)).capabilities == store.capabilities


def test_a_lock_that_is_let_go_of_twice_is_let_go_of_once(store: LocalStore) -> None:
    first = store.lock("a")
    assert first is not None
    first()
    second = store.lock("a", wait=False)

    first()

    assert store.lock("a", wait=False) is None
    assert second is not None


def test_a_lock_that_nobody_can_let_go_of_any_more_is_free(store: LocalStore) -> None:
    store.lock("a")

    again = store.lock("a", wait=False)

    assert again is not None


def test_a_lock_leaves_no_descriptor(
    store: LocalStore, note_descriptors: Callable[[], Callable[[], None]]
) -> None:
    check = note_descriptors()

    release = store.lock("a")
    assert store.lock("a", wait=False) is None
    assert release is not None
    release()

    check()


def test_an_interrupt_ends_the_wait_for_a_lock(store: LocalStore) -> None:
    release = store.lock("a")
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            store.lock("a")
    finally:
        signal.signal(signal.SIGALRM, previous)

    assert release is not None
    release()
    assert store.lock("a", wait=False) is not None


def test_on_a_system_without_locks_there_are_none(
    run_script: Callable[..., CompletedProcess[str]],
) -> None:
    output = run_script(
        """
import sys
sys.modules["fcntl"] = None  # as on Windows

from fanfold import Memory
from fanfold.errors import InvalidArgumentError
from fanfold.stores import LocalStore

print(LocalStore("cache").capabilities.locks, Memory("cache", verbose=0).cache(len)("four"))
try:
    LocalStore("cache", locks=True)
except InvalidArgumentError as error:
    print(error)
"""
    ).stdout

    assert output.splitlines() == [
        "False 4",
        "locks=True: only Linux has the locks that this store uses; leave it out",
    ]
