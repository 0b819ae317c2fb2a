"""The index of a directory: it knows all that is there, whoever dies, and can be lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fanfold.errors import StoreError
from fanfold.stores import LocalStore

DAY = 24 * 3600


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


def fill(store: LocalStore, *names: str) -> None:
    """Put an entry of each name, each used a minute after the one before, and all long ago."""
    start = time.time() - DAY
    for minute, name in enumerate(names):
        store.put(f"a/{name}", [name.encode()])
        age(store, name, start + 60 * minute)


def age(store: LocalStore, name: str, used: float) -> None:
    os.utime(Path(store.location, "a", name), (used, used))


def order(store: LocalStore) -> list[str]:
    return [entry.key.removeprefix("a/") for entry in store.by_use("a/")]


def index_of(store: LocalStore) -> Path:
    return Path(store.location, ".index", "entries.sqlite")


def logs(store: LocalStore) -> list[Path]:
    return list(Path(store.location, ".index", "new").iterdir())


def test_the_order_of_use_is_that_on_disk(store: LocalStore) -> None:
    fill(store, "one", "two", "three")
    assert order(store) == ["one", "two", "three"]

    store.touch("a/one")

    assert order(store) == ["two", "three", "one"]
    assert list(store.by_use()) == sorted(store.list(), key=lambda entry: entry.modified)


def test_more_entries_than_one_look_takes_come_in_order(store: LocalStore) -> None:
    names = [f"n{number}" for number in range(450)]
    fill(store, *names)
    shutil.rmtree(index_of(store).parent)
    store.totals()
    for name in names[:250]:
        age(store, name, time.time() + 60 - int(name[1:]))

    assert order(store) == names[250:] + names[249::-1]


def test_entries_may_be_deleted_in_the_order_of_use(store: LocalStore) -> None:
    fill(store, *(f"n{number}" for number in range(250)))

    deleted = [store.delete(entry.key) for entry in store.by_use()]

    assert deleted == [True] * 250
    assert store.totals() == (0, 0)


def test_totals_follow_what_is_put_replaced_and_deleted(store: LocalStore) -> None:
    fill(store, "one", "two", "three")
    store.put("b/other", [b"12345"])
    assert store.totals() == (4, 16)
    assert store.totals("a/") == (3, 11)

    store.put("a/one", [b"longer than one"])
    store.delete("a/two")
    store.put_if_absent("a/three", [b"far longer than three"])
    store.put_if_absent("a/four", [b"four"])
    list(store.by_use())

    assert store.totals() == (4, sum(entry.size for entry in store.list()))


def test_an_entry_that_was_put_again_after_its_deletion_is_known(store: LocalStore) -> None:
    fill(store, "one")
    store.delete("a/one")
    LocalStore(store.location).put("a/one", [b"again"])

    assert store.totals() == (1, 5)


def test_what_went_by_other_means_is_left_out(store: LocalStore) -> None:
    fill(store, "one", "two")
    store.totals()
    Path(store.location, "a", "one").unlink()

    assert order(store) == ["two"]
    assert store.totals() == (1, 3)


@pytest.mark.parametrize(
    "harm",
    [
        lambda index: index.unlink(),
        lambda index: index.write_bytes(b""),
        lambda index: index.write_bytes(b"nonsense" * 10_000),
        lambda index: index.write_bytes(index.read_bytes()[:4096] + b"x" * 50_000),
    ],
    ids=["lost", "empty", "foreign", "damaged"],
)
def test_an_index_that_is_lost_is_made_anew(store: LocalStore, harm) -> None:
    fill(store, "one", "two", "three")
    store.totals()
    for log in logs(store):
        log.unlink()

    harm(index_of(store))

    assert store.totals() == (3, 11)
    assert order(store) == ["one", "two", "three"]


def test_entries_from_before_there_was_an_index_are_known(store: LocalStore) -> None:
    Path(store.location, "a").mkdir()
    Path(store.location, "a", "old").write_bytes(b"old")

    assert store.totals() == (1, 3)


def test_a_directory_that_is_not_there_has_nothing_and_is_not_made(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "nowhere")

    assert store.totals() == (0, 0)
    assert list(store.by_use()) == []
    assert not (tmp_path / "nowhere").exists()


def test_what_a_killed_process_wrote_is_known(store: LocalStore) -> None:
    program = f"""
import os, signal
from fanfold.stores import LocalStore
store = LocalStore({store.location!r})
for number in range(50):
    store.put(f"a/n{{number}}", [b"x"])
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", program], check=False)

    assert store.totals() == (50, 50)


def test_what_was_published_just_before_its_writer_was_killed_is_known(store: LocalStore) -> None:
    store.put("a/other", [b"x"])
    [log] = logs(store)
    with log.open("a") as file:
        file.write(f"> a/one {time.time() - 61:.0f}\n> a/never {time.time() - 61:.0f}\n")
    Path(store.location, "a", "one").write_bytes(b"one")

    assert store.totals() == (2, 4)


def test_what_is_about_to_be_published_is_not_given_up(store: LocalStore) -> None:
    store.put("a/other", [b"x"])
    [log] = logs(store)
    with log.open("a") as file:
        file.write(f"> a/one {time.time():.0f}\n")
    assert store.totals() == (1, 1)
    Path(store.location, "a", "one").write_bytes(b"one")

    with log.open("a") as file:
        file.write("+ a/one 3 1.0\n")

    assert store.totals() == (2, 4)


def test_a_half_written_line_of_a_log_waits_for_its_end(store: LocalStore) -> None:
    fill(store, "one")
    [log] = logs(store)
    with log.open("ab") as file:
        file.write(b"+ a/tw")
    assert store.totals() == (1, 3)
    Path(store.location, "a", "two").write_bytes(b"two")

    with log.open("ab") as file:
        file.write(b"o 3 1.0\n")

    assert store.totals() == (2, 6)


def test_a_long_log_is_taken_over_and_begins_anew(store: LocalStore) -> None:
    name = "x" * 200
    for _ in range((1 << 20) // 200):
        store.put(f"a/{name}", [b"value"])

    assert sum(log.stat().st_size for log in logs(store)) < 1 << 20
    store.put("a/after", [b"value"])
    assert store.totals() == (2, 10)


def test_the_log_of_a_process_that_is_gone_is_removed(store: LocalStore) -> None:
    fill(store, "one")
    store.totals()
    [log] = logs(store)
    os.utime(log, (time.time() - 2 * DAY,) * 2)

    store.totals()

    assert logs(store) == []
    store.put("a/two", [b"two"])
    assert store.totals() == (2, 6)


def test_what_is_written_after_the_whole_cache_was_removed_is_known(store: LocalStore) -> None:
    fill(store, "one")
    shutil.rmtree(store.location)

    store.put("a/two", [b"two"])

    assert store.totals() == (1, 3)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_has_a_log_of_its_own(store: LocalStore) -> None:
    fill(store, "one")
    program = f"""
import os
from fanfold.stores import LocalStore
store = LocalStore({store.location!r})
store.put("a/parent", [b"x"])
if os.fork() == 0:
    store.put("a/child", [b"x"])
    os._exit(0)
os.wait()
print(len(os.listdir({str(Path(store.location, ".index", "new"))!r})))
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)

    assert done.stdout == b"3\n"
    assert store.totals() == (3, 5)


def test_an_index_that_cannot_be_used_says_what_to_do(store: LocalStore) -> None:
    fill(store, "one")
    index_of(store).mkdir()

    with pytest.raises(StoreError, match=r"see that .* can be written, or remove it"):
        store.totals()


def test_a_long_log_that_cannot_be_taken_over_is_told_and_costs_no_entry(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fanfold.stores._log._FULL", 1)
    index_of(store).mkdir(parents=True)

    with pytest.raises(StoreError, match=r"see that .* can be written, or remove it"):
        store.put("a/one", [b"1"])

    assert store.get("a/one") == b"1"


def test_an_entry_that_cannot_be_noted_is_not_written(store: LocalStore) -> None:
    Path(store.location, ".index").touch()

    with pytest.raises(StoreError, match="cannot write the entry 'a/one'"):
        store.put("a/one", [b"1"])

    assert store.get("a/one") is None
    assert list(Path(store.location, ".partial").iterdir()) == []


def test_a_store_that_was_closed_may_be_used_again(store: LocalStore) -> None:
    fill(store, "one")

    store.close()
    fill(store, "two")

    assert store.totals() == (2, 6)
