"""The command ``fanfold cache``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest
from fanfold import Memory
from fanfold.cli import main


def token(x):
    return os.urandom(1000)


@pytest.fixture
def memory(tmp_path):
    """A cache with results for 1, 2 and 3, used in this order, hours ago."""
    memory = Memory(tmp_path / "cache", verbose=0)
    cached = memory.cache(token)
    for x in (1, 2, 3):
        path = memory.store_backend.local_path(cached.call_and_shelve(x).key)
        used = time.time() - (4 - x) * 3600
        os.utime(path, (used, used))
    return memory


@pytest.fixture
def run(memory, capsys):
    """Run an action on the cache and return the exit code and what it printed."""

    def run_action(action, *arguments):
        code = main(["cache", action, memory.store_backend.location, *arguments])
        return code, capsys.readouterr().out

    return run_action


def kept(memory):
    return [x for x in (1, 2, 3) if memory.cache(token).check_call_in_cache(x)]


def test_ls_shows_what_was_used_last_first(run):
    code, shown = run("ls")

    head, *rows = shown.splitlines()
    assert code == 0
    assert head.split() == ["CALL", "SIZE", "TOOK", "CREATED", "LAST", "USED", "KEY"]
    assert [row.split()[0].rpartition(".")[2] for row in rows] == [
        "token(x=3)",
        "token(x=2)",
        "token(x=1)",
    ]


def test_ls_shows_no_more_than_asked_and_tells_so(run):
    _, shown = run("ls", "--limit", "1")

    assert "x=3" in shown
    assert "x=2" not in shown
    assert shown.endswith("and 2 others; --limit shows more\n")


def test_ls_of_an_empty_cache_says_so(run, memory):
    memory.clear()

    assert run("ls") == (0, "there are no results\n")


def test_ls_leaves_room_for_the_key_of_a_long_call(run, memory):
    key = memory.cache(token).call_and_shelve("long " * 30).key

    _, shown = run("ls", "--limit", "1")

    call, *_, shown_key = shown.splitlines()[1].split("  ")
    assert len(call) == 61
    assert "..." in call
    assert shown_key == key


def test_verify_of_a_sound_cache_shows_no_table(run):
    assert run("verify") == (0, "0 damaged results removed\n")


def test_it_runs_as_a_module_too(memory):
    shown = subprocess.run(
        [sys.executable, "-m", "fanfold", "cache", "ls", memory.store_backend.location],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert "token(x=3)" in shown


def test_ls_prints_json(run, memory):
    _, shown = run("ls", "--json")

    assert {entry["key"] for entry in json.loads(shown)} == {e.key for e in memory.entries()}
    assert json.loads(shown)[0]["arguments"] == {"x": "3"}


def test_stats_sums_up_each_function(run, memory):
    memory.cache(len)("abc")

    _, shown = run("stats")
    _, as_json = run("stats", "--json")

    assert [line.split()[0] for line in shown.splitlines()] == [
        "FUNCTION",
        f"{__name__}.token",
        "builtins.len",
        "in",
    ]
    assert [(use["function"], use["entries"]) for use in json.loads(as_json)] == [
        (f"{__name__}.token", 3),
        ("builtins.len", 1),
    ]


@pytest.mark.parametrize(
    ("limit", "left"),
    [
        (("--max-entries", "1"), [3]),
        (("--max-bytes", "3K"), [2, 3]),
        (("--unused-for", "2.5h"), [2, 3]),
        (("--max-entries", "5"), [1, 2, 3]),
    ],
)
def test_prune_removes_what_was_not_used_for_longest(run, memory, limit, left):
    code, shown = run("prune", *limit)

    assert code == 0
    assert shown.startswith(f"{3 - len(left)} results removed, ")
    assert kept(memory) == left


def test_clear_removes_all_and_tells_how_much(run, memory):
    size = memory.stats().bytes

    _, shown = run("clear", "--json")

    assert json.loads(shown) == {"entries": 3, "bytes": size}
    assert kept(memory) == []


@pytest.fixture
def damaged(memory):
    """The key of an entry of which one bit is wrong, at its end."""
    store = memory.store_backend
    key = next(entry.key for entry in memory.entries() if entry.arguments["x"] == "2")
    data = store.get(key)
    store.put(key, [data[:-1], bytes([data[-1] ^ 1])])
    return key


def test_verify_removes_what_is_damaged(run, memory, damaged):
    code, shown = run("verify")

    assert code == 1
    assert damaged in shown
    assert shown.endswith("1 damaged results removed\n")
    assert kept(memory) == [1, 3]
    assert run("verify")[0] == 0


def test_verify_keeps_what_is_damaged_if_so_asked(run, memory, damaged):
    code, shown = run("verify", "--keep", "--json")

    assert code == 1
    assert [one["key"] for one in json.loads(shown)] == [damaged]
    assert memory.store_backend.get(damaged) is not None


def test_verify_unpickles_nothing(run, memory):
    memory.cache(dict)(x=Trap())

    assert run("verify")[0] == 0


class Trap:
    def __setstate__(self, state):
        raise AssertionError("this was unpickled")

    def __getstate__(self):
        return {"x": 1}


def test_explain_tells_of_a_result_and_of_its_other_versions(run, memory):
    def make(version):
        def token(x):
            return version

        return memory.cache(token)

    keys = [make(version).call_and_shelve(7).key for version in (1, 2)]

    code, shown = run("explain", keys[0])
    _, as_json = run("explain", keys[0], "--json")

    assert code == 0
    assert "token(x=7)" in shown
    assert keys[1] in shown.partition("Other versions")[2]
    assert "has another: closure version" in shown
    assert json.loads(as_json)["entry"]["key"] == keys[0]
    assert [one["key"] for one in json.loads(as_json)["other_versions"]] == [keys[1]]


def test_explain_tells_that_a_result_is_not_there(run, memory):
    key = next(memory.entries()).key
    memory.clear()

    code, shown = run("explain", key)

    assert code == 1
    assert shown == f"There is no result {key}\n"
    assert json.loads(run("explain", key, "--json")[1])["entry"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("explain", "{path}", "fanfold/x"), "'fanfold/x' is no key of a result"),
        (("ls", "{path}/nowhere"), "nowhere'"),
        (("ls", "nosuchscheme://x"), "nosuchscheme"),
        (("prune", "{path}", "--max-bytes", "lots"), "--max-bytes='lots'"),
        (("prune", "{path}"), "say what may stay: --max-bytes, --max-entries or --unused-for"),
    ],
)
def test_what_cannot_be_done_is_told(tmp_path, capsys, arguments, message):
    code = main(["cache", *(one.format(path=tmp_path) for one in arguments)])

    assert code == 2
    assert message in capsys.readouterr().err


def test_a_time_that_is_none_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["cache", "prune", str(tmp_path), "--unused-for", "long"])

    assert "expected a number and s, m, h, d or w" in capsys.readouterr().err
