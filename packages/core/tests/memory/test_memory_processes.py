"""Memory across processes and threads."""

from __future__ import annotations

import functools
import os
import pickle
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess
from types import ModuleType
from typing import Any

import cloudpickle
import pytest
from fanfold import Memory
from fanfold.memory import MemorizedFunc, NotMemorizedFunc

RunScript = Callable[..., CompletedProcess[str]]


def token(x: object) -> bytes:
    return os.urandom(8)


def test_a_memory_travels(local: Memory) -> None:
    travelled = pickle.loads(pickle.dumps(local))

    assert travelled.cache(token)(1) == local.cache(token)(1)
    assert repr(travelled) == repr(local)


def test_a_cached_function_travels_with_its_settings(local: Memory) -> None:
    cached = local.cache(token, ignore=["x"], verbose=3, mmap_mode="r")

    travelled = pickle.loads(pickle.dumps(cached))

    assert isinstance(travelled, MemorizedFunc)
    assert travelled.ignore == ["x"]
    assert travelled.verbose == 3
    assert travelled.mmap_mode == "r"
    assert travelled(1) == cached(2)


def test_a_cached_partial_travels(local: Memory) -> None:
    cached = local.cache(functools.partial(token, 1))

    assert pickle.loads(pickle.dumps(cached))() == cached()


def test_a_location_means_the_same_after_a_change_of_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cached = Memory("cache", verbose=0).cache(token)
    before = cached(1)
    pickled = pickle.dumps(cached)

    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    assert pickle.loads(pickled)(1) == before


@pytest.fixture
def project(local: Memory, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module in which a decorator has put a cached function in the place of the function."""
    module = ModuleType("project")
    monkeypatch.setitem(sys.modules, "project", module)
    module.__dict__["memory"] = local
    source = """
import os

@memory.cache
def decorated(x): return os.urandom(8)

class Model:
    @memory.cache
    def fit(self, x): return os.urandom(8)
"""
    exec(source, vars(module))
    return module


def test_a_decorated_function_travels_by_name_with_its_settings(project: Any) -> None:
    pickled = pickle.dumps(project.decorated)
    project.decorated.verbose = 3

    travelled = pickle.loads(pickled)

    assert travelled is not project.decorated
    assert travelled.func is project.decorated.func
    assert travelled.verbose == 0
    assert travelled(1) == project.decorated(1)


def test_a_function_that_is_cached_here_and_not_there_travels(project: Any) -> None:
    pickled = pickle.dumps(project.decorated)
    project.decorated = project.decorated.func

    travelled = pickle.loads(pickled)

    assert isinstance(travelled, MemorizedFunc)
    assert travelled.func is project.decorated


def test_a_decorated_method_travels(project: Any) -> None:
    travelled = pickle.loads(pickle.dumps(project.Model().fit))

    assert travelled(1) == project.Model().fit(1)


def test_a_decorated_function_that_keeps_nothing_travels(project: Any) -> None:
    project.decorated = Memory(None).cache(project.decorated.func)

    travelled = pickle.loads(pickle.dumps(project.decorated))

    assert isinstance(travelled, NotMemorizedFunc)
    assert travelled.func is project.decorated.func


def test_a_cached_closure_travels_by_value(local: Memory) -> None:
    k = 5
    cached = local.cache(lambda x: (x + k, os.urandom(8)))

    travelled = pickle.loads(cloudpickle.dumps(cached))

    assert travelled(1) == cached(1)


SCRIPT = """
import sys
from fanfold import Memory, Parallel, delayed

memory = Memory(sys.argv[1], verbose=0)

@memory.cache
def f(x):
    print("ran", flush=True)
    return x * OFFSET

OFFSET = 10

if __name__ == "__main__":
    print(Parallel(n_jobs=2)(delayed(f)(x) for x in range(5)))
    print([f.check_call_in_cache(x) for x in range(5)])
"""


def test_workers_and_the_main_program_share_results(run_script: RunScript, tmp_path: Path) -> None:
    output = run_script(SCRIPT, str(tmp_path / "cache")).stdout

    assert output.count("ran") == 5
    assert "[0, 10, 20, 30, 40]\n[True, True, True, True, True]\n" in output


def test_many_threads_use_one_function(memory: Memory) -> None:
    cached = memory.cache(lambda x: (x, "x" * 1000))
    numbers = [n % 10 for n in range(200)]

    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(cached, numbers))

    assert [x for x, _ in results] == numbers


HAMMER = """
import sys
from fanfold import Memory

@Memory(sys.argv[1], verbose=0).cache
def f(x):
    return [x] * 10_000

for turn in range(30):
    for x in range(5):
        assert f(x) == [x] * 10_000
    if turn % 7 == int(sys.argv[2]):
        f.clear()
"""


def test_many_processes_read_write_and_clear_at_once(run_script: RunScript, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        scripts = [
            threads.submit(run_script, HAMMER, str(tmp_path / "cache"), str(n), name=f"h{n}.py")
            for n in range(4)
        ]

    assert [script.result().stderr for script in scripts] == [""] * 4


def test_importing_memory_is_light(run_script: RunScript) -> None:
    output = run_script(
        "import sys\n"
        "before = set(sys.modules)\n"
        "import fanfold.memory\n"
        "heavy = 'numpy asyncio multiprocessing pluggy importlib.metadata cloudpickle datetime'\n"
        "print(sorted(set(heavy.split()) & set(sys.modules) - before))"
    ).stdout

    assert output == "[]\n"
