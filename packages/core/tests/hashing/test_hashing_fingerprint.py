"""`fingerprint`: what changes the results of a function changes it, and nothing else does."""

import functools
import importlib
import math
import sys
import threading
import warnings

import numpy as np
import pytest
from fanfold.errors import FanfoldWarning, InvalidArgumentError
from fanfold.hashing import Fingerprinter, explain, fingerprint, hash


def build(source, name="f", **globals_):
    """Return what `source` defines as `name`, as if it stood in a module of a user's project."""
    namespace = {"__name__": "project", "__builtins__": __builtins__, **globals_}
    exec(compile(source, "project.py", "exec"), namespace)
    return namespace[name]


BASE = """
def f(x, y=2):
    total = x + y
    return [total for _ in range(3)]
"""


@pytest.mark.parametrize(
    "source",
    [
        "\n\n\n# a comment\n" + BASE,
        BASE.replace("total = x + y", "total = (x +\n        y)  # a sum"),
        BASE.replace("    total", '    """Say what it does."""\n    total'),
        BASE.replace("x, y=2", "x,\n    y=2,\n"),
        BASE.replace("x, y=2", "x: int, y: int = 2"),
        "def other():\n    return 5\n" + BASE,
    ],
)
def test_layout_comments_and_docstrings_do_not_count(source):
    assert fingerprint(build(source)).digest == fingerprint(build(BASE)).digest


@pytest.mark.parametrize(
    "source",
    [
        BASE.replace("x + y", "x - y"),
        BASE.replace("y=2", "y=3"),
        BASE.replace("y=2", "y=2.0"),
        BASE.replace("y=2", "*, y=2"),
        BASE.replace("y=2", "*y"),
        BASE.replace("range(3)", "range(4)"),
        BASE.replace("range(3)", "range(True)"),
        BASE.replace("range", "list"),
        BASE.replace("[total for _ in range(3)]", "(total for _ in range(3))"),
        BASE.replace("    return", "    yield"),
        BASE.replace("f(x", "g(x") + "f = g\n",
    ],
)
def test_code_and_defaults_count(source):
    assert fingerprint(build(source)).digest != fingerprint(build(BASE)).digest


def test_the_handlers_of_exceptions_count():
    source = (
        "def f(x):\n    try:\n        {}\n        {}\n    except ValueError:\n        return 0\n"
    )

    inside = build(source.format("x()", "x()"))
    outside = build(source.format("x()", "pass").replace("def f(x):\n", "def f(x):\n    x()\n"))

    assert fingerprint(inside) != fingerprint(outside)


LONG = """
def f(x, items):
    class Local(dict):
        "A docstring."
        limit = 7
        def get(self, key):
            self.last = key
            return key
    while x:
        try:
            with open(x) as file, items:
                for line in file:
                    if line and (x or items) and not Local.limit:
                        continue
                    yield line, x, items
        except (OSError, ValueError) as error:
            x = {'a': error, 'b': [item for item in items if item]}
        finally:
            x = x - 1
    return Local
"""


@pytest.mark.parametrize(
    "source",
    [
        "\n" * 300 + LONG,
        LONG.replace("A docstring.", "Another docstring."),
        LONG.replace("line and (x or items)", "(\n line\n and (x\n or items)\n)"),
        LONG.replace("line, x, items", "(\nline,\nx,\nitems\n)"),
        LONG.replace("x = x - 1", "x = (\nx -\n1)"),
        LONG.replace("'b': [item", "\n'b': [item"),
    ],
)
def test_layout_does_not_count_in_loops_handlers_and_nested_classes(source):
    assert fingerprint(build(source)).digest == fingerprint(build(LONG)).digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("limit = 7", "limit = 8"),
        ("limit = 7", "__doc__ = f'{7}' + str()"),
        ("continue", "break"),
        ("x or items", "x and items"),
        ("OSError, ValueError", "OSError, KeyError"),
        ("        finally:\n            x = x - 1", "        x = x - 1"),
        ("return key", "return self"),
    ],
)
def test_changes_in_loops_handlers_and_nested_classes_count(old, new):
    assert fingerprint(build(LONG.replace(old, new))).digest != fingerprint(build(LONG)).digest


def test_functions_with_many_constants_and_far_jumps_are_read_rightly():
    lines = "".join(f"        y += {number * 1000}\n" for number in range(400))
    source = f"def f(x, y=0):\n    while x:\n{lines}        x -= K\n    return {{}}\n"

    one = fingerprint(build(source.format("y"), K=1))

    assert one == fingerprint(build(source.replace("def f", "\n\ndef f").format("y"), K=1))
    assert one != fingerprint(build(source.replace("399000", "1").format("y"), K=1))
    assert one != fingerprint(build(source.format("x"), K=1))
    assert one != fingerprint(build(source.format("y"), K=2))


def test_running_a_function_does_not_change_its_fingerprint():
    function = build("def f(n):\n    return sum(i * K for i in range(n)) + len(str(n))\n", K=3)
    before = fingerprint(function)

    for _ in range(100):
        function(100)

    assert fingerprint(function) == before


def test_lambdas_on_one_line_differ():
    one, other = lambda x: x + 1, lambda x: x + 2

    assert fingerprint(one).digest != fingerprint(other).digest


def test_what_a_closure_holds_counts():
    def make(k):
        def f(x):
            return x + k

        return f

    assert fingerprint(make(1)) == fingerprint(make(1))
    assert fingerprint(make(1)) != fingerprint(make(100))
    assert fingerprint(make([1])) != fingerprint(make([2]))
    assert fingerprint(make(make(1))) != fingerprint(make(make(2)))


def test_a_closure_that_is_not_set_yet_is_accepted():
    def outer():
        def f():
            return later

        before = fingerprint(f)
        later = 1
        return before, fingerprint(f)

    before, after = outer()

    assert before != after


def test_globals_that_a_nested_class_reads_count():
    source = "def f():\n    class C:\n        a = K\n    return C\n"

    assert fingerprint(build(source, K=1)) != fingerprint(build(source, K=2))


def test_globals_that_are_read_count_and_others_do_not():
    source = "def f(x):\n    return x.unread + FACTOR + (lambda: NESTED)()\n"
    before = fingerprint(build(source, FACTOR=1, NESTED=[1], unread=1))

    assert fingerprint(build(source, FACTOR=1, NESTED=[1], unread=2, other=3)) == before
    assert fingerprint(build(source, FACTOR=2, NESTED=[1], unread=1)) != before
    assert fingerprint(build(source, FACTOR=1, NESTED=[2], unread=1)) != before
    assert fingerprint(build(source, NESTED=[1], unread=1)) != before


def test_parts_say_what_changed():
    source = "def f(x, y=K):\n    return x + K + helper(x)\ndef helper(x):\n    return x * {}\n"

    one, other = (
        fingerprint(build(source.format(2), K=1)),
        fingerprint(build(source.format(3), K=1)),
    )

    assert one.parts.keys() == {"name", "code", "default y", "global K", "global helper"}
    assert {name for name in one.parts if one.parts[name] != other.parts[name]} == {"global helper"}


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


class Model:
    def __init__(self, size):
        self.size = size

    def fit(self, x):
        return x * self.size

    @classmethod
    def make(cls):
        return cls(1)

    def __call__(self, x):
        return self.fit(x)


def test_of_a_bound_method_the_function_counts():
    assert fingerprint(Model(1).fit) == fingerprint(Model(2).fit) == fingerprint(Model.fit)
    assert fingerprint(Model(1).fit) != fingerprint(Model(1).__call__)
    assert fingerprint(Model.make) == fingerprint(vars(Model)["make"])


def test_of_an_object_that_can_be_called_its_state_counts_too():
    assert fingerprint(Model(1)) == fingerprint(Model(1))
    assert fingerprint(Model(1)) != fingerprint(Model(2))
    assert fingerprint(Model(1)).parts["code"] == fingerprint(Model.__call__).parts["code"]


def test_of_a_partial_function_and_arguments_count():
    partial = functools.partial

    assert fingerprint(partial(build(BASE), 1)) == fingerprint(partial(build(BASE), 1))
    assert fingerprint(partial(build(BASE), 1)) != fingerprint(partial(build(BASE), 2))
    assert fingerprint(partial(build(BASE), y=1)) != fingerprint(partial(build(BASE), y=2))
    assert fingerprint(partial(build(BASE))) != fingerprint(partial(build(BASE.replace("+", "-"))))


def test_a_class_can_be_called_and_counts_by_its_members():
    source = "class f:\n    def __init__(self):\n        super().__init__()\n        self.a = {}\n"

    assert fingerprint(build(source.format(1))) == fingerprint(build(source.format(1)))
    assert fingerprint(build(source.format(1))) != fingerprint(build(source.format(2)))


def test_a_cached_function_has_the_fingerprint_of_the_function():
    assert fingerprint(functools.cache(build(BASE))) == fingerprint(build(BASE))


def test_an_operator_object_counts_by_value():
    import operator

    assert fingerprint(operator.itemgetter(1)) != fingerprint(operator.itemgetter(2))


def test_what_cannot_be_called_is_refused():
    with pytest.raises(InvalidArgumentError, match=r"fingerprint of 3: expected a function"):
        fingerprint(3)


def test_what_has_no_value_counts_by_type_and_is_told_once():
    source = "def locked_by_test(x):\n    with LOCK:\n        return x\n"
    function = build(source, "locked_by_test", LOCK=threading.Lock())

    with pytest.warns(
        FanfoldWarning,
        match=r"locked_by_test\(\) .* global 'LOCK'.*not be noticed.*Memory.cache\(version=",
    ):
        first = fingerprint(function)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        second = fingerprint(function)

    assert first == second
    assert first != fingerprint(build(source, "locked_by_test", LOCK=1))


def test_what_has_no_value_is_told_with_its_place_inside_a_cycle_too():
    source = (
        "def ringed_by_test(n):\n    return ringed_by_test(n - {}) + STATE['lock'].x\n"
        "STATE = {{'function': ringed_by_test, 'lock': LOCK}}\n"
    )
    function = build(source.format(1), "ringed_by_test", LOCK=threading.Lock())

    with pytest.warns(FanfoldWarning, match=r"obj\['lock'\] has no value to hash"):
        first = fingerprint(function)

    changed = build(source.format(2), "ringed_by_test", LOCK=threading.Lock())
    again = build(source.format(1), "ringed_by_test", LOCK=threading.Lock())
    assert fingerprint(changed) != first == fingerprint(again)


def test_what_has_no_value_is_told_once_where_the_cycle_comes_after_it():
    source = "def late_by_test(n):\n    return late_by_test(n - {}) + A_LOCK\n"
    function = build(source.format(1), "late_by_test", A_LOCK=threading.Lock())

    with pytest.warns(FanfoldWarning, match="A_LOCK"):
        first = fingerprint(function)

    assert first == fingerprint(build(source.format(1), "late_by_test", A_LOCK=threading.Lock()))
    assert first != fingerprint(build(source.format(2), "late_by_test", A_LOCK=threading.Lock()))


def test_functions_that_libraries_make_count_by_their_code_and_closure():
    import os

    assert fingerprint(os.environ.encodekey).parts.keys() > {"code", "closure encoding"}
    assert fingerprint(os.environ.encodekey) != fingerprint(os.environ.decodekey)


def test_fanfold_counts_as_a_library():
    assert fingerprint(hash).parts.keys() == {"library"}


def test_functions_as_values_are_hashed_by_fingerprint():
    one, other = build(BASE), build(BASE.replace("x + y", "x - y"))

    assert hash([one]) == hash([build(BASE)])
    assert hash([one]) != hash([other])


class TestFingerprinter:
    def test_it_gives_the_fingerprint_again_while_nothing_changes(self):
        source = "def f(x):\n    return g(x) + K\ndef g(x):\n    return sin(x)\nK = 1\n"
        function = build(source, sin=math.sin)
        fingerprinter = Fingerprinter(function)

        assert fingerprinter.current() == fingerprint(function)
        assert fingerprinter.current() is fingerprinter.current()

    @pytest.mark.parametrize(
        "change",
        [
            lambda space: space.update(K=2),
            lambda space: space.pop("K"),
            lambda space: space["ITEMS"].append(1),
            lambda space: space["ARRAY"].fill(1),
            lambda space: space.update(h=lambda x: x),
            lambda space: setattr(space["g"], "__defaults__", (3,)),
            lambda space: setattr(space["f"], "__kwdefaults__", {"z": 3}),
            lambda space: space["f"].__kwdefaults__.update(z=3),
            lambda space: setattr(space["h"], "__code__", (lambda x: x + 5).__code__),
            lambda space: setattr(space["C"], "a", 2),
            lambda space: setattr(space["C"], "new", 2),
            lambda space: setattr(space["C"], "m", lambda self: 2),
            lambda space: space["set_cell"](7),
            lambda space: space["DEEP"].append(7),
        ],
    )
    def test_it_sees_every_change(self, change):
        source = (
            "def f(x, *, z=1):\n    return g(x) + K + ITEMS[0] + ARRAY[0] + C().m() + cell_user()\n"
            "def g(x, y=1):\n    return h(x) + DEEP[0]\n"
            "def h(x):\n    return x\n"
            "class C:\n"
            "    a = 1\n"
            "    def m(self):\n        return super().__init__()\n"
            "    @property\n    def p(self):\n        return 1\n"
            "    @staticmethod\n    def s():\n        return 1\n"
            "def make():\n"
            "    cell = 1\n"
            "    def use():\n        return cell\n"
            "    def set_cell(value):\n        nonlocal cell\n        cell = value\n"
            "    return use, set_cell\n"
            "cell_user, set_cell = make()\n"
            "K, ITEMS, DEEP = (1, 'a', frozenset({1})), [1], [1]\n"
        )
        function = build(source, ARRAY=np.zeros(3))
        fingerprinter = Fingerprinter(function)
        before = fingerprinter.current()

        change(function.__globals__)

        assert fingerprinter.current() == fingerprint(function)
        assert fingerprinter.current() != before

    def test_it_sees_a_change_in_the_state_of_an_object_that_can_be_called(self):
        model = Model(1)
        fingerprinter = Fingerprinter(model)
        before = fingerprinter.current()

        model.size = 2

        assert fingerprinter.current() != before

    def test_of_a_bound_method_it_watches_the_function(self):
        fingerprinter = Fingerprinter(Model(1).fit)

        assert fingerprinter.current() is fingerprinter.current()
        assert fingerprinter.current() == fingerprint(Model.fit)

    def test_a_pinned_function_is_not_looked_at(self):
        function = build("def f(x):\n    return LOCK\n", LOCK=threading.Lock())

        assert Fingerprinter(function, "2").current() == fingerprint(function, "2")


class TestVersion:
    @pytest.mark.parametrize("version", ["2", 2, "", 0])
    def test_only_the_version_counts(self, version):
        one, other = build(BASE), build(BASE.replace("+", "-"))

        assert fingerprint(one, version) == fingerprint(other, version)
        assert fingerprint(one, version).parts.keys() == {"version"}

    def test_versions_differ(self):
        digests = {fingerprint(build(BASE), version).digest for version in (1, 2, "1", "2", None)}

        assert len(digests) == 5

    @pytest.mark.parametrize("version", [1.5, True, b"1", ["1"]])
    def test_what_is_no_version_is_refused(self, version):
        with pytest.raises(InvalidArgumentError, match=r"version=.*: expected text or a number"):
            fingerprint(build(BASE), version)


class TestExplain:
    SOURCE = (
        "import functools, math\n"
        "K = 3\n"
        "TABLE = {'a': [1, 2]}\n"
        "class Model:\n    def fit(self):\n        return K\n"
        "@functools.cache\n"
        "def helper(x):\n    return f(x) + 1\n"
        "def f(x, y=2.5):\n    return helper(x), Model(), K, TABLE, math, np.sum(x)\n"
    )

    def test_it_shows_all_parts_and_those_of_what_is_followed(self):
        function = build(self.SOURCE, np=np)

        lines = [line.split() for line in explain(function).splitlines()]

        digest = fingerprint(function).digest
        assert lines[0] == ["f", digest[:8]]
        shown = [[word for word in line if word not in digests_of(line)] for line in lines[1:]]
        assert shown == [
            ["code", "bytecode"],
            ["default", "y", "2.5"],
            ["global", "K", "3"],
            ["global", "Model", "class", "Model"],
            ["bases", "a", "builtins.tuple"],
            ["member", "fit", "function", "Model.fit"],
            ["code", "bytecode"],
            ["global", "K", "3"],
            ["name", "'Model.fit'"],
            ["name", "'Model'"],
            ["global", "TABLE", "a", "builtins.dict"],
            ["global", "helper", "function", "helper"],
            ["code", "bytecode"],
            ["global", "f", "function", "f,", "as", "above"],
            ["name", "'helper'"],
            ["global", "math", "module", "math"],
            ["global", "np", "module", "numpy", "of", "numpy", np.__version__],
            ["name", "'f'"],
        ]

    def test_its_lines_differ_where_the_function_changed(self):
        before = explain(build(self.SOURCE, np=np)).splitlines()

        after = explain(build(self.SOURCE.replace("+ 1", "+ 2"), np=np)).splitlines()

        changed = [
            one.split()[:2] for one, other in zip(before, after, strict=True) if one != other
        ]
        assert ["global", "helper"] in changed
        assert ["global", "TABLE"] not in changed

    def test_it_says_what_counts_by_its_type_only(self):
        function = build("def explained_by_test():\n    return LOCK\n", "explained_by_test")
        function.__globals__["LOCK"] = threading.Lock()

        with pytest.warns(FanfoldWarning, match="LOCK"):
            text = explain(function)

        assert "a _thread.lock, by its type only" in text

    @pytest.mark.parametrize(
        ("function", "first"),
        [
            (np.sum, "sum"),
            (functools.partial(max, 1), "max"),
            (Model(3), "Model"),
            (Model, "Model"),
            (Model(3).fit, "Model.fit"),
            (Model.make, "Model.make"),
            (len, "len"),
        ],
    )
    def test_all_that_can_be_called_can_be_explained(self, function, first):
        assert explain(function).startswith(f"{first}  {fingerprint(function).digest[:8]}\n  ")

    def test_a_pinned_function_is_explained_by_its_version(self):
        assert explain(build(BASE), "2").splitlines()[1].endswith("'2'")


def digests_of(words):
    return [word for word in words if len(word) == 8 and not set(word) - set("0123456789abcdef")]
