"""`fingerprint`: what changes the results of a function changes it, and nothing else does."""

import functools
import threading
import warnings

import pytest
from fanfold.errors import FanfoldWarning, InvalidArgumentError
from fanfold.hashing import fingerprint, hash

from .functions import BASE, Model, build


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
