"""What is made of fingerprints: one that is kept until something changes, and an explanation."""

import functools
import math
import threading

import numpy as np
import pytest
from fanfold.errors import FanfoldWarning, InvalidArgumentError
from fanfold.hashing import Fingerprinter, explain, fingerprint

from .functions import BASE, Model, build


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
