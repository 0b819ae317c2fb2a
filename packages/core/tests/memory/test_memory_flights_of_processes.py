"""Single flight among processes, by locks and by leases; killed and stopped ones too."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fanfold import Memory
from fanfold.contracts import Store
from fanfold.errors import FanfoldWarning
from fanfold.stores import LocalStore

LIMIT = 60.0  # seconds, after which what hangs fails
LEASES: dict[str, Any] = {"backend_options": {"locks": False}}
# A machine that stands still must not let a lease expire of which a test says that it does not.
SHORT_LEASES = {**LEASES, "lease_seconds": 4.0}
SHORTER_LEASES = {**LEASES, "lease_seconds": 1.0}

PROGRAM = """
import json, os, sys
from fanfold import Memory

memory = Memory(sys.argv[1], verbose=0, **json.loads(sys.argv[2]))

def tell(*words):
    print(*words, flush=True)

def work(x):
    tell("computing")
    exec(sys.stdin.readline())
    return os.getpid()

async def work_async(x):
    return work(x)

def run(coroutine, seconds=None):
    import asyncio  # the other programs start sooner without it

    return asyncio.run(asyncio.wait_for(coroutine, seconds))

def cross(name, other):
    if other is not None:
        tell("computing")
        sys.stdin.readline()
        crossed(other, None)
    return name

cached = memory.cache(work, version=1)
cached_async = memory.cache(work_async, version=1)
crossed = memory.cache(cross, ignore=["other"], version=1)
tell("result", eval(sys.argv[3]))
"""


class Program:
    """A process that runs a cached call, and tells how far it is."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.pid = process.pid

    def line(self) -> str:
        """Return the next line that it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip()

    def end(self, how: str = "pass") -> None:
        """Have its computation do something and end."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{how}\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()


Start = Callable[..., Program]


@pytest.fixture(params=["locks", "leases"])
def settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """How a Memory is made that uses locks, or leases; a test may give its own."""
    kind: str = request.param
    return {
        "locks": {},
        "leases": LEASES,
        "short leases": SHORT_LEASES,
        "shorter leases": SHORTER_LEASES,
    }[kind]


@pytest.fixture
def start(tmp_path: Path, settings: dict[str, Any]) -> Iterator[Start]:
    """Start a process that makes a call."""
    with ExitStack() as stack:

        def start(call: str = "cached(1)") -> Program:
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", PROGRAM, str(tmp_path), json.dumps(settings), call],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            stack.callback(process.kill)
            return Program(process)

        yield start


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return LocalStore(tmp_path)


@pytest.fixture
def wait_for_waiting(store: Store, wait_until: Callable[..., None]) -> Callable[[int], None]:
    """Wait until so many calls wait for what another process computes."""

    def wait(count: int) -> None:
        wait_until(
            lambda: len(list(store.list("fanfold-waiting/"))) == count,
            f"there are not {count} calls that wait",
            LIMIT,
        )

    return wait


def first_to_print(programs: list[Program]) -> Program:
    """Return the program that prints first."""
    with selectors.DefaultSelector() as selector:
        for program in programs:
            assert program.process.stdout is not None
            selector.register(program.process.stdout, selectors.EVENT_READ, program)
        [(key, _), *_] = selector.select(LIMIT)
    found: Program = key.data
    return found


def left_over(store: Store) -> list[str]:
    """Return the keys of what is no result."""
    return [entry.key for entry in store.list() if not entry.key.startswith("fanfold/")]


@pytest.mark.parametrize("call", ["cached(1)", "run(cached_async(1))"])
def test_of_many_processes_one_computes(
    start: Start, store: Store, wait_for_waiting: Callable[[int], None], call: str
) -> None:
    first = start(call)
    assert first.line() == "computing"
    other = start(call)
    wait_for_waiting(1)

    first.end()

    assert [first.line(), other.line()] == [f"result {first.pid}"] * 2
    assert left_over(store) == []


@pytest.mark.parametrize("settings", ["locks", "short leases"], indirect=True)
def test_a_process_that_is_killed_is_replaced_by_one_that_waits(
    start: Start, store: Store, wait_for_waiting: Callable[[int], None]
) -> None:
    first = start()
    assert first.line() == "computing"
    others = [start() for _ in range(2)]
    wait_for_waiting(2)

    first.kill()
    heir = first_to_print(others)
    assert heir.line() == "computing"
    wait_for_waiting(1)
    heir.end()

    assert [program.line() for program in others] == [f"result {heir.pid}"] * 2
    assert left_over(store) == []


def test_after_an_exception_the_processes_that_wait_compute_side_by_side(
    start: Start, store: Store, wait_for_waiting: Callable[[int], None]
) -> None:
    first = start()
    assert first.line() == "computing"
    others = [start() for _ in range(2)]
    wait_for_waiting(2)

    first.end("raise SystemError")
    assert [program.line() for program in others] == ["computing"] * 2
    for program in others:
        program.end()

    assert [program.line() for program in others] == [f"result {one.pid}" for one in others]
    assert first.line() == ""
    assert left_over(store) == []


def test_an_interrupt_ends_the_wait(
    start: Start, store: Store, wait_for_waiting: Callable[[int], None]
) -> None:
    first = start()
    assert first.line() == "computing"
    other = start()
    wait_for_waiting(1)

    other.process.send_signal(signal.SIGINT)

    assert other.process.wait(LIMIT) == -signal.SIGINT
    assert list(store.list("fanfold-waiting/")) == []
    first.end()
    assert first.line() == f"result {first.pid}"


def test_a_task_that_waits_for_another_process_may_be_cancelled(
    start: Start, store: Store, wait_for_waiting: Callable[[int], None]
) -> None:
    first = start("run(cached_async(1))")
    assert first.line() == "computing"
    impatient = start("run(cached_async(1), 0.1)")
    assert impatient.line() == ""  # it has ended with a TimeoutError
    impatient.process.wait(LIMIT)
    wait_for_waiting(0)
    first.end()

    assert first.line() == f"result {first.pid}"
    assert left_over(store) == []


def test_two_processes_that_need_each_others_result_do_not_wait_for_each_other(
    start: Start, store: Store
) -> None:
    programs = [start("crossed('a', 'b')"), start("crossed('b', 'a')")]
    assert [program.line() for program in programs] == ["computing"] * 2

    for program in programs:
        program.end()

    assert [program.line() for program in programs] == ["result a", "result b"]
    assert left_over(store) == []


@pytest.mark.parametrize("settings", ["locks"], indirect=True)
def test_who_died_while_it_waited_closes_no_circle(
    start: Start, wait_for_waiting: Callable[[int], None]
) -> None:
    first = start("crossed('a', 'b')")
    assert first.line() == "computing"
    dead = start("crossed('b', 'a')")
    assert dead.line() == "computing"
    dead.end()
    wait_for_waiting(1)
    dead.kill()
    heir = start("crossed('b', 'c')")
    assert heir.line() == "computing"

    first.end()
    wait_for_waiting(2)  # the dead one's, which is still there, and now that of the first
    heir.end()

    assert [heir.line(), first.line()] == ["result b", "result a"]


@pytest.mark.parametrize("settings", ["locks"], indirect=True)
def test_a_child_of_a_process_that_is_killed_does_not_keep_its_claim(
    tmp_path: Path, start: Start, wait_for_waiting: Callable[[int], None]
) -> None:
    fork = f"os.fork() or (tell(os.getpid()), open({str(tmp_path / 'gate')!r}).read(), os._exit(0))"
    os.mkfifo(tmp_path / "gate")
    first = start()
    assert first.line() == "computing"
    first.end(f"{fork}; sys.stdin.readline()")
    child = int(first.line())
    other = start()
    wait_for_waiting(1)

    first.kill()

    try:
        assert other.line() == "computing"
    finally:
        os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("settings", ["leases"], indirect=True)
def test_a_child_that_is_forked_meanwhile_does_not_end_the_lease(
    start: Start, store: Store
) -> None:
    first = start()
    assert first.line() == "computing"

    first.end("os.fork() and sys.stdin.readline()")
    result = first.line()  # the child's, which returns from the function too

    assert result.startswith("result ")
    assert len(list(store.list("fanfold-leases/"))) == 1
    first.end()
    assert first.line() == result
    assert left_over(store) == []


@pytest.mark.parametrize("settings", ["shorter leases"], indirect=True)
def test_a_process_that_comes_back_from_a_stop_replaces_nothing(
    start: Start, store: Store, wait_for_waiting: Callable[[int], None]
) -> None:
    first = start()
    assert first.line() == "computing"
    other = start()
    wait_for_waiting(1)

    first.process.send_signal(signal.SIGSTOP)
    assert other.line() == "computing"
    other.end()
    assert other.line() == f"result {other.pid}"
    first.process.send_signal(signal.SIGCONT)
    first.end()

    assert first.line() == f"result {other.pid}"
    late = start()
    assert late.line() == f"result {other.pid}"
    assert left_over(store) == []


@pytest.mark.parametrize("settings", ["shorter leases"], indirect=True)
def test_a_lease_is_renewed_for_as_long_as_its_process_computes(
    start: Start, store: Store, wait_until: Callable[..., None]
) -> None:
    first = start()
    assert first.line() == "computing"
    [lease] = store.list("fanfold-leases/")
    before = store.get(lease.key)

    wait_until(lambda: store.get(lease.key) != before, "the lease is not renewed")

    first.end()
    assert first.line() == f"result {first.pid}"
    assert left_over(store) == []


def test_a_result_that_expired_is_replaced(
    tmp_path: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = Memory(tmp_path, verbose=0, ttl=3600, **settings).cache(os.urandom)
    with monkeypatch.context() as long_ago:
        long_ago.setattr("time.time", lambda: 1000.0)
        before = cached(8)

    after = cached(8)

    assert after != before
    assert cached(8) == after


@pytest.mark.parametrize("kept", [0, 20, -1], ids=["empty", "short", "without its end"])
def test_a_damaged_result_is_replaced(
    tmp_path: Path, store: Store, settings: dict[str, Any], kept: int
) -> None:
    cached = Memory(tmp_path, verbose=0, **settings).cache(os.urandom)
    before = cached(8)
    [entry] = store.list()
    data = store.get(entry.key)
    assert data is not None
    store.put(entry.key, [data[:kept]])

    with pytest.warns(FanfoldWarning, match="is computed again"):
        after = cached(8)

    assert after != before
    assert cached(8) == after


def test_a_large_result_is_kept(tmp_path: Path, settings: dict[str, Any]) -> None:
    cached = Memory(tmp_path, verbose=0, **settings).cache(bytes)

    assert len(cached(65 << 20)) == 65 << 20
    assert cached.check_call_in_cache(65 << 20)


def test_where_nothing_can_be_claimed_results_are_kept_and_that_is_told(tmp_path: Path) -> None:
    (tmp_path / ".locks").write_text("in the way")
    cached = Memory(tmp_path, verbose=0).cache(os.urandom)

    with pytest.warns(FanfoldWarning, match="may be computed several times at once: .*in the way"):
        before = cached(8)

    assert cached(8) == before


PARALLEL = """
import pathlib, sys, time
from fanfold import Memory, Parallel, delayed

def work(folder):
    with open(folder + "/runs", "a") as file:
        file.write("run\\n")
    deadline = time.monotonic() + 20
    waiting = pathlib.Path(folder, "fanfold-waiting")
    while not waiting.is_dir() and time.monotonic() < deadline:
        time.sleep(0.01)
    return 1

if __name__ == "__main__":
    cached = Memory(sys.argv[1], verbose=0).cache(work)
    print(Parallel(n_jobs=2)(delayed(cached)(sys.argv[1]) for _ in range(4)))
"""


def test_of_many_tasks_of_a_call_one_computes(
    tmp_path: Path, run_script: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()

    output = run_script(PARALLEL, str(cache)).stdout

    assert output == "[1, 1, 1, 1]\n"
    assert (cache / "runs").read_text() == "run\n"
