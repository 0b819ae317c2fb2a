"""Processes that are killed while they write, evict and read one cache."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from fanfold import Memory
from fanfold.memory.care import find_damaged

ROUNDS = 3
PROCESSES = 4
PROGRAM = """
import random, sys
from fanfold import Memory

def block(number):
    return bytes([number % 256]) * (number + 1)

cached = Memory(sys.argv[1], verbose=0, max_entries=40).cache(block)
while True:
    number = random.randrange(100)
    assert cached(number) == block(number), number
    print(number, flush=True)
"""


def test_whoever_is_killed_no_result_is_wrong_and_all_are_known(tmp_path: Path) -> None:
    moments = random.Random(5)
    for _ in range(ROUNDS):
        workers = [
            subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(tmp_path)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            for _ in range(PROCESSES)
        ]
        for worker in workers:
            assert worker.stdout is not None
            for _ in range(moments.randrange(1, 200)):
                assert worker.stdout.readline()
            worker.kill()
        for worker in workers:
            _, complaints = worker.communicate()
            assert worker.returncode == -signal.SIGKILL, complaints.decode()
    memory = Memory(tmp_path, verbose=0)
    memory.stats()
    a_minute_passes(tmp_path)

    assert list(find_damaged(memory)) == []
    store = memory.store_backend
    assert store is not None
    assert {entry.key for entry in store.by_use()} == {entry.key for entry in store.list()}
    assert memory.stats().entries == len(list(memory.entries()))


def a_minute_passes(cache: Path) -> None:
    """Let what was begun by those who were killed count as unfinished."""
    with sqlite3.connect(cache / ".index" / "entries.sqlite") as index:
        index.execute("UPDATE begun SET since = 0")
    index.close()
