"""`fingerprint` follows what a function uses of the project, and no further."""

import importlib
import math
import sys

import numpy as np
import pytest
from fanfold.hashing import explain, fingerprint

from .functions import build


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def g():\n    return h()\ndef h():\n    return 1", "    return 2"),
        ("def g():\n    return K\nK = 1", "K = 2"),
        ("class g:\n    def __init__(self):\n        self.a = 1", "        self.a = 2"),
        ("class g:\n    @property\n    def a(self):\n        return 1", "        return 2"),
        (
            "import functools as t\nclass g:\n  @t.cached_property\n  def a(self):\n    return 1",
            "    return 2",
        ),
        ("class g:\n    @staticmethod\n    def a():\n        return 1", "        return 2"),
        ("class b:\n    pass\nclass g(b):\n    a = 1", "    a = 2"),
        ("class b:\n    a = 1\nclass g(b):\n    pass", ""),
        ("import functools\n@functools.wraps(len)\ndef g():\n    return 1", "    return 2"),
        ("import functools\n@functools.cache\ndef g():\n    return 1", "    return 2"),
        ("import functools\ng = functools.partial(pow, 1)", "g = functools.partial(pow, 2)"),
        ("import contextlib\n@contextlib.contextmanager\ndef g():\n    yield 1", "    yield 2"),
        ("class C:\n    a = 1\ng = C()", "g = C(); C.a = 2"),
        ("class C:\n    pass\ng = C(); g.a = 1", "g = C(); g.a = 2"),
        ("g = {'a': lambda: 1}", "g = {'a': lambda: 2}"),
        ("g = M().m", ""),
        ("g = [{'a': M()}]", ""),
        ("def g(m=M()):\n    return m.m()", ""),
        ("def make(m):\n    return lambda: m.m()\ng = make(M())", ""),
        ("import functools\ng = functools.partial(pow, M())", ""),
        ("import functools\nclass C:\n    b = functools.partialmethod(pow, M())\ng = C()", ""),
        ("import enum\nclass g(enum.Enum):\n    A = 0\n    B = M.a", ""),
        ("import typing as t\nclass C(M, t.Generic[t.TypeVar('T')]):\n    b = 1\ng = C[int]", ""),
        ("import dataclasses\n@dataclasses.dataclass\nclass g:\n    b: int = M.a", ""),
        ("class H:\n    def __get__(self, *_):\n        return M.a\nclass g:\n    b = H()", ""),
    ],
)
def test_what_a_function_uses_of_the_project_is_followed(one, other):
    if other:
        changed = "\n".join([*one.split("\n")[:-1], other])
    else:
        one = "class M:\n    a = 1\n    def m(self):\n        return 1\n" + one
        changed = one.replace("a = 1", "a = 2")
    source = "\ndef f():\n    return g()\n"

    assert fingerprint(build(one + source)) == fingerprint(build(one + source))
    assert fingerprint(build(one + source)) != fingerprint(build(changed + source))


def test_a_chain_of_calls_may_be_longer_than_the_recursion_limit():
    def chain(last):
        lines = [f"def f{n}(x):\n    return f{n + 1}(x)\n" for n in range(1000)]
        return build("".join(lines) + f"def f1000(x):\n    return {last}\n", "f0")

    assert fingerprint(chain("x")) == fingerprint(chain("x")) != fingerprint(chain("f0"))


def test_functions_that_call_each_other_terminate():
    source = "def f(n):\n    return n and g(n)\ndef g(n):\n    return f(n - {})\n"

    assert fingerprint(build(source.format(1))) == fingerprint(build(source.format(1)))
    assert fingerprint(build(source.format(1))) != fingerprint(build(source.format(2)))


def test_a_table_of_functions_that_holds_the_function_terminates():
    source = "def f(n):\n    return TABLE['f'](n - {})\nTABLE = {{'f': f}}\n"

    assert fingerprint(build(source.format(1))) == fingerprint(build(source.format(1)))
    assert fingerprint(build(source.format(1))) != fingerprint(build(source.format(2)))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a function that writes a module of the user's project and imports it anew."""
    monkeypatch.syspath_prepend(tmp_path)
    written = set()

    def write(name, source):
        path = tmp_path / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
        for known in written | {name}:
            sys.modules.pop(known, None)
        written.add(name)
        importlib.invalidate_caches()
        sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
        try:
            return importlib.import_module(name)
        finally:
            sys.dont_write_bytecode = before

    yield write
    for name in written:
        sys.modules.pop(name, None)


def test_functions_are_followed_through_modules_of_the_project(project):
    source = "import helpers_of_test\ndef f(x):\n    return helpers_of_test.double(x)\n"
    helpers = "def double(x):\n    return x * {}\ndef unused():\n    return {}\n"

    project("helpers_of_test", helpers.format(2, 0))
    before = fingerprint(build(source))
    project("helpers_of_test", helpers.format(2, 1))
    unused_changed = fingerprint(build(source))
    project("helpers_of_test", helpers.format(3, 1))
    used_changed = fingerprint(build(source))

    assert before == unused_changed
    assert "global helpers_of_test.double" in before.parts
    assert before != used_changed


def test_functions_are_followed_through_packages_of_the_project(project):
    source = "import package_of_test.inner\ndef f(x):\n    return package_of_test.inner.double(x)\n"

    project("package_of_test.inner", "def double(x):\n    return x * 2\n")
    before = fingerprint(build(source))
    project("package_of_test.inner", "def double(x):\n    return x * 3\n")
    sys.modules.pop("package_of_test")

    assert fingerprint(build(source)) != before
    assert "global package_of_test.inner.double" in before.parts


def test_the_module_in_which_a_function_stands_does_not_count(project):
    source = "K = 2\ndef f(x):\n    return x * K + len(__name__)\n"

    assert fingerprint(project("one_of_test", source).f) == fingerprint(build(source))


def test_modules_of_libraries_count_by_name_and_version(monkeypatch):
    source = "import numpy as np, math\ndef f(x):\n    return np.sum(x) + math.pi\n"
    before = fingerprint(build(source))

    monkeypatch.setattr(np, "__version__", "0.1")

    changed = fingerprint(build(source))
    assert before.parts["global np"] != changed.parts["global np"]
    assert before.parts["global math"] == changed.parts["global math"]


@pytest.mark.parametrize(
    "function", [np.linalg.norm, np.testing.assert_allclose, np.ndarray, pytest.fixture]
)
def test_functions_of_libraries_count_by_name_and_version(monkeypatch, function):
    source = "def f(x):\n    return g(x)\n"
    library = sys.modules[function.__module__.partition(".")[0]]
    before = fingerprint(build(source, g=function)), fingerprint(function)

    monkeypatch.setattr(library, "__version__", "0.1")

    after = fingerprint(build(source, g=function)), fingerprint(function)
    assert before[0] != after[0]
    assert before[1] != after[1]


@pytest.fixture
def library(tmp_path, monkeypatch):
    """Return a function that installs a library and imports it."""
    site = tmp_path / "site-packages"
    monkeypatch.syspath_prepend(site)
    written = set()

    def install(package, source, distribution=None, version="1.0"):
        path = site / f"{package.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
        if distribution:
            told = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
            told.mkdir()
            (told / "METADATA").write_text(f"Name: {distribution}\nVersion: {version}\n")
            (told / "top_level.txt").write_text(package.partition(".")[0])
        written.add(package)
        importlib.invalidate_caches()
        return importlib.import_module(package)

    yield install
    for package in written:
        sys.modules.pop(package.partition(".")[0], None)
        sys.modules.pop(package, None)


@pytest.mark.parametrize(
    ("package", "source", "distribution", "shown"),
    [
        ("with_version", "__version__ = '1.5'", None, "of with_version 1.5"),
        ("by_its_name", "", "by_its_name", "of by_its_name 1.0"),
        ("by_another_name", "", "a-name", "of by_another_name a-name 1.0"),
        ("space_of_names.inner", "__version__ = '2.5'", None, "of space_of_names 2.5"),
        ("known_to_nobody", "", None, "function known_to_nobody.f"),
    ],
)
def test_the_version_of_a_library_is_found(library, package, source, distribution, shown):
    module = library(package, f"{source}\ndef f():\n    pass\n", distribution)

    assert explain(module.f).endswith(shown)


def test_built_in_functions_differ_by_name():
    assert fingerprint(math.sin) != fingerprint(math.cos)
    assert fingerprint(len) != fingerprint(max)
