"""Which calls share a result: the wrong answers that other caches give, and what must be found."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from types import ModuleType
from typing import Any

import pytest
from fanfold import Memory
from fanfold.errors import FanfoldWarning

RunScript = Callable[..., CompletedProcess[str]]


def defined_by(source: str, name: str = "f") -> Any:
    """Return what a piece of code defines, as if it stood in a file of the user's."""
    namespace: dict[str, Any] = {"__name__": "project"}
    exec(compile(source, "project.py", "exec"), namespace)
    return namespace[name]


def test_closures_are_told_apart_by_what_they_hold(memory: Memory) -> None:
    def make(k: int) -> Callable[[int], int]:
        @memory.cache
        def f(x: int) -> int:
            return x + k

        return f

    assert [make(1)(1), make(100)(1), make(1)(1)] == [2, 101, 2]


def test_a_closure_whose_variable_changes_is_computed_again(memory: Memory) -> None:
    k = 1

    @memory.cache
    def f(x: int) -> int:
        return x + k

    before = f(1)
    k = 100

    assert (before, f(1)) == (2, 101)


def test_two_lambdas_on_one_line_are_two_functions(memory: Memory) -> None:
    up, down = memory.cache(lambda x: x + 1), memory.cache(lambda x: x - 1)

    assert [up(1), down(1)] == [2, 0]


@pytest.mark.parametrize(
    ("source", "change"),
    [
        ("K = 1\ndef f(x): return x + K", "K = 100"),
        ("K = [1]\ndef f(x): return x + K[0]", "K[0] = 100"),
        ("K = {'k': 1}\ndef f(x): return x + K['k']", "K['k'] = 100"),
        ("def g(x): return x + 1\ndef f(x): return g(x)", "def g(x): return x + 100"),
        ("K = 1\ndef g(x): return x + K\ndef f(x): return g(x)", "K = 100"),
        ("def f(x, k=1): return x + k", "f.__defaults__ = (100,)"),
        ("def f(x, *, k=1): return x + k", "f.__kwdefaults__['k'] = 100"),
        ("class C:\n    k = 1\ndef f(x): return x + C.k", "C.k = 100"),
        (
            "class C:\n    def k(self): return 1\ndef f(x): return x + C().k()",
            "C.k = lambda self: 100",
        ),
        ("def f(x): return x + 1", "f.__code__ = (lambda x: x + 100).__code__"),
    ],
)
def test_what_changes_between_two_calls_is_noticed(
    memory: Memory, source: str, change: str
) -> None:
    function = defined_by(source)
    cached = memory.cache(function)
    before = cached(1)

    exec(change, function.__globals__)

    assert (before, cached(1)) == (2, 101)


def test_a_change_in_another_module_of_the_project_is_noticed(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = ModuleType("helper")
    helper.__dict__["k"] = 1
    monkeypatch.setitem(sys.modules, "helper", helper)
    cached = memory.cache(defined_by("import helper\ndef f(x): return x + helper.k"))
    before = cached(1)

    helper.__dict__["k"] = 100

    assert (before, cached(1)) == (2, 101)


def test_a_change_in_a_cached_function_that_is_called_is_noticed(memory: Memory) -> None:
    outer = defined_by("def f(x): return g(x)")
    inner = "def g(x): return x + {}"
    outer.__globals__["g"] = memory.cache(defined_by(inner.format(1), "g"))
    cached = memory.cache(outer)
    before = cached(1)

    outer.__globals__["g"] = memory.cache(defined_by(inner.format(100), "g"))

    assert (before, cached(1)) == (2, 101)


def test_whether_a_function_that_is_called_is_cached_does_not_matter(
    memory: Memory, tmp_path: Path
) -> None:
    outer = defined_by("import os\ndef f(x): return g(x), os.urandom(8)")
    inner = defined_by("def g(x): return x", "g")
    outer.__globals__["g"] = memory.cache(inner)
    cached = memory.cache(outer)
    before = cached(1)

    outer.__globals__["g"] = Memory(None).cache(inner)

    assert cached(1) == before


def test_code_that_changes_back_finds_its_results_again(memory: Memory) -> None:
    a = "import os\ndef f(x): return 'a', os.urandom(8)"
    b = "import os\ndef f(x): return 'b', os.urandom(8)"

    results = [memory.cache(defined_by(source))(1) for source in (a, b, a, b)]

    assert results[:2] == results[2:]
    assert [result[0] for result in results[:2]] == ["a", "b"]


def test_comments_and_line_numbers_do_not_matter(memory: Memory) -> None:
    plain = "import os\ndef f(x): return x, os.urandom(8)"
    commented = "import os\n# moved down\n\ndef f(x):\n    # explained\n    return x, os.urandom(8)"

    assert memory.cache(defined_by(plain))(1) == memory.cache(defined_by(commented))(1)


def test_the_memory_that_a_function_uses_does_not_matter(memory: Memory, tmp_path: Path) -> None:
    source = "import os\ndef f(x): return store is None, os.urandom(8)"
    function = defined_by(source)
    function.__globals__["store"] = memory
    before = memory.cache(function)(1)

    function.__globals__["store"] = Memory(tmp_path / "elsewhere")

    assert memory.cache(function)(1) == before


def test_shelved_results_are_arguments_by_what_they_refer_to(memory: Memory) -> None:
    @memory.cache
    def number(x: int) -> int:
        return x

    @memory.cache
    def use(reference: object) -> bytes:
        return os.urandom(8)

    one = use(number.call_and_shelve(1))

    assert use(number.call_and_shelve(1)) == one
    assert use(number.call_and_shelve(2)) != one


def test_cached_functions_are_arguments_by_what_they_do(memory: Memory) -> None:
    @memory.cache
    def apply(function: Callable[[int], int]) -> tuple[int, bytes]:
        return function(1), os.urandom(8)

    assert apply(memory.cache(lambda x: x)) == apply(memory.cache(lambda x: x))
    assert apply(memory.cache(lambda x: x + 1))[0] == 2


def test_methods_of_objects_that_cache_in_the_class_are_arguments(memory: Memory) -> None:
    class Model:
        def __init__(self, k: int) -> None:
            self.k = k

        @memory.cache
        def fit(self, x: int) -> int:
            return self.k + x

    @memory.cache
    def apply(method: Callable[[int], int]) -> tuple[int, bytes]:
        return method(1), os.urandom(8)

    assert apply(Model(1).fit) == apply(Model(1).fit)
    assert apply(Model(2).fit)[0] == 3


def test_keys_are_short_and_know_no_paths(
    memory: Memory, entries: Callable[[], list[str]], tmp_path: Path
) -> None:
    def local(x: object) -> None:
        pass

    memory.cache(local)("x" * 10_000)

    (key,) = entries()
    root, name, version, arguments = key.split("/")
    assert root == "fanfold"
    assert name == "test_keys_are_short_and_know_no_paths.-locals-.local"
    assert len(version) == len(arguments) == 32


def test_a_function_that_is_cleared_takes_its_earlier_versions_along(
    memory: Memory, entries: Callable[[], list[str]]
) -> None:
    for number in (1, 2, 3):
        cached = memory.cache(defined_by(f"def f(x): return {number}"))
        cached(1)

    cached.clear()

    assert entries() == []


def test_a_function_that_is_cleared_spares_its_namesake_in_another_module(
    memory: Memory, entries: Callable[[], list[str]]
) -> None:
    ours, theirs = defined_by("def f(x): return 'ours'"), defined_by("def f(x): return 'theirs'")
    theirs.__module__ = "another"
    memory.cache(ours)(1)
    memory.cache(theirs)(1)

    memory.cache(ours).clear()

    assert memory.cache(theirs).check_call_in_cache(1)
    assert len(entries()) == 1


def test_a_function_that_is_cleared_takes_damaged_entries_along(
    memory: Memory, entries: Callable[[], list[str]]
) -> None:
    store = memory.store_backend
    assert store is not None
    store.put("fanfold/f/version/arguments", [b"nonsense"])

    memory.cache(defined_by("def f(x): return x")).clear()

    assert entries() == []


SCRIPT = """
import sys
from fanfold import Memory

@Memory(sys.argv[1], verbose=0).cache
def f(x):
    print("ran")
    return x

f({frozenset({"a", "b", "c"}): {"d", "e", "f"}})
"""


def test_the_next_session_finds_results_whatever_its_hash_seed(
    run_script: RunScript, tmp_path: Path
) -> None:
    def run(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        return run_script(SCRIPT, str(tmp_path / "cache"), env=environment).stdout

    assert [run("1"), run("2"), run("3")] == ["ran\n", "", ""]


def test_a_script_that_moves_finds_its_results(run_script: RunScript, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    cache = str(tmp_path / "cache")

    first = run_script(SCRIPT, cache)
    moved = run_script(SCRIPT, cache, name="elsewhere/renamed.py")

    assert (first.stdout, moved.stdout) == ("ran\n", "")


def test_a_script_and_a_program_that_imports_it_share_results(
    run_script: RunScript, tmp_path: Path
) -> None:
    cache = str(tmp_path / "cache")

    run_script(SCRIPT, cache, name="work.py")
    importing = run_script("import work", cache, name="main.py")

    assert importing.stdout == ""


def test_what_a_function_uses_without_having_a_value_is_told(local: Memory) -> None:
    cached = local.cache(
        defined_by("import threading\nLOCK = threading.Lock()\ndef f(x):\n    with LOCK: return x")
    )

    with pytest.warns(FanfoldWarning, match="global 'LOCK'"):
        cached(1)

    assert cached.check_call_in_cache(1)


@pytest.mark.parametrize(
    ("module", "file"),
    [
        ("__main__", "<ipython-input-3-0123456789ab>"),
        ("__main__", "/tmp/ipykernel_123/4567.py"),
        ("__main__", "<stdin>"),
        ("package.module", "/home/somebody/package/module.py"),
    ],
)
def test_a_function_has_one_key_wherever_it_stands(memory: Memory, module: str, file: str) -> None:
    source = "import os\nK = 2\ndef g(x): return x * K\ndef f(x): return g(x), os.urandom(8)"
    namespace: dict[str, Any] = {"__name__": module}
    exec(compile(f"\n\n{source}", file, "exec"), namespace)

    elsewhere = memory.cache(namespace["f"])(3)

    assert memory.cache(defined_by(source))(3) == elsewhere
