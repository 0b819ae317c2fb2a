"""The path to what cannot be pickled."""

import functools
import threading
from types import SimpleNamespace

import pytest
from fanfold.tasks.diagnosis import explain_unpicklable, find_unpicklable

LOCK = threading.Lock()


class Slotted:
    __slots__ = ("inner", "unset")

    def __init__(self, inner):
        self.inner = inner


class Method:
    def __init__(self):
        self.lock = LOCK

    def run(self):
        pass


class RefusesItself:
    def __reduce__(self):
        raise RuntimeError("I stay here")


def recursive():
    loop = [LOCK]
    loop.insert(0, loop)
    return loop


def with_default(x, lock=LOCK):
    return x


with_default.__module__ = "__main__"  # so that it must be pickled by value


def empty_cell():
    def inner():
        return later, LOCK

    if LOCK is None:
        later = 1
    inner.__module__ = "__main__"
    return inner


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (LOCK, "value"),
        ([1, [2, LOCK]], "value[1][1]"),
        ((1, {"a": {"b": LOCK}}), "value[1]['a']['b']"),
        ({LOCK: 1}, "value key "),
        ({LOCK}, "value element "),
        (SimpleNamespace(x=1, y=LOCK), "value.y"),
        (Slotted([LOCK]), "value.inner[0]"),
        (Method().run, "value.__self__.lock"),
        (lambda: LOCK, "value global 'LOCK'"),
        (with_default, "value global 'LOCK'"),
        (functools.partial(print, LOCK), "value"),
        (recursive(), "value[1]"),
        (RefusesItself(), "value"),
        ([RefusesItself()], "value[0]"),
    ],
)
def test_leads_to_the_part_at_fault(value, path):
    found = find_unpicklable(value, "value")
    assert found is not None
    if path == "value global 'LOCK'" and value is with_default:
        assert found[0] == "value.__defaults__[0]"
    else:
        assert found[0].startswith(path)


def test_closures_are_looked_into():
    lock = threading.Lock()

    def inner():
        return lock

    assert find_unpicklable(inner, "f")[0] == "f closure variable 'lock'"


def test_what_can_be_pickled_has_nothing_at_fault():
    assert find_unpicklable([1, 2], "value") is None


def test_cells_that_are_empty_do_not_matter():
    assert find_unpicklable(empty_cell(), "f")[0] == "f global 'LOCK'"


def test_the_explanation_names_path_type_and_reason():
    assert explain_unpicklable({"lock": LOCK}, "config") == (
        "config['lock'], of type '_thread.lock': cannot pickle '_thread.lock' object"
    )


def test_there_is_an_explanation_even_where_nothing_is_at_fault():
    assert explain_unpicklable([1]) == "value, of type 'list': it cannot be pickled"


def test_endless_depth_is_cut():
    class Deeper:
        def __init__(self, depth):
            self.depth = depth

        @property
        def __dict__(self):
            return {"next": Deeper(self.depth + 1)}

        def __reduce__(self):
            raise TypeError("no")

    path, _, _ = find_unpicklable(Deeper(0), "value")
    assert path.count(".next") == 50
