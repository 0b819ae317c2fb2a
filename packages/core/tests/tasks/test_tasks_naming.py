"""Names of functions and tasks in messages."""

import functools

import pytest
from fanfold.tasks.naming import describe_call, function_name


class Callable:
    def __call__(self):
        pass

    def method(self):
        pass


class Unprintable:
    def __repr__(self):
        raise RuntimeError


class Shaped:
    shape = (3, 4)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (len, "len"),
        (functools.partial(functools.partial(len)), "len"),
        (Callable, f"{__name__}.Callable"),
        (Callable(), f"{__name__}.Callable"),
        (Callable().method, f"{__name__}.Callable.method"),
        (functools.reduce, "_functools.reduce"),
    ],
)
def test_functions_are_named_by_module_and_name(function, name):
    assert function_name(function) == name


@pytest.mark.parametrize(
    ("args", "kwargs", "shown"),
    [
        ((), {}, "len()"),
        ((1, "a"), {"key": [2]}, "len(1, 'a', key=[2])"),
        (("x" * 100,), {}, "len('" + "x" * 38 + "…)"),
        (tuple(range(9)), {"key": 1}, "len(0, 1, 2, 3, 4, 5, …)"),
        ((Unprintable(),), {}, "len(<Unprintable>)"),
        ((Shaped(),), {}, "len(<Shaped (3, 4)>)"),
    ],
)
def test_calls_are_shown_shortened(args, kwargs, shown):
    assert describe_call(len, args, kwargs) == shown
