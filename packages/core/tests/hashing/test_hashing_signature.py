"""`CallSignature`: equal calls give equal mappings, however their arguments are written."""

import functools
import inspect

import pytest
from fanfold.errors import InvalidArgumentError
from fanfold.hashing import CallSignature


def plain(x, y=2):
    return x, y


def positional_only(x, y=2, /, z=3):
    return x, y, z


def keyword_only(x, *, scale=1, offset):
    return x, scale, offset


def everything(a, /, b, c=3, *rest, d, e=5, **others):
    return a, b, c, rest, d, e, others


def no_arguments():
    return None


@functools.wraps(plain)
def wrapper(*args, **kwargs):
    return plain(*args, **kwargs)


class Scaler:
    def scale(self, x, factor=2):
        return x * factor

    @classmethod
    def make(cls, x):
        return cls, x

    def __call__(self, x, y=1):
        return x, y


SCALER = Scaler()


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "bound"),
    [
        (plain, (1,), {}, {"x": 1, "y": 2}),
        (plain, (), {"x": 1}, {"x": 1, "y": 2}),
        (plain, (1, 2), {}, {"x": 1, "y": 2}),
        (plain, (), {"y": 2, "x": 1}, {"x": 1, "y": 2}),
        (no_arguments, (), {}, {}),
        (positional_only, (1,), {"z": 4}, {"x": 1, "y": 2, "z": 4}),
        (keyword_only, (1,), {"offset": 0}, {"x": 1, "scale": 1, "offset": 0}),
        (
            everything,
            (1, 2),
            {"d": 4},
            {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "*": (), "**": {}},
        ),
        (
            everything,
            (1, 2, 0, 8, 9),
            {"d": 4, "f": 6, "a": 7},
            {"a": 1, "b": 2, "c": 0, "d": 4, "e": 5, "*": (8, 9), "**": {"f": 6, "a": 7}},
        ),
        (wrapper, (1,), {}, {"x": 1, "y": 2}),
        (functools.partial(plain, y=5), (1,), {}, {"x": 1, "y": 5}),
        (functools.partial(plain, 0), (), {}, {"y": 2}),
        (SCALER.scale, (1,), {}, {"self": SCALER, "x": 1, "factor": 2}),
        (Scaler.make, (1,), {}, {"cls": Scaler, "x": 1}),
        (SCALER, (1,), {}, {"x": 1, "y": 1}),
        (max, (1, 2), {"key": abs}, {"*": (1, 2), "**": {"key": abs}}),
    ],
)
def test_arguments_are_bound_by_name_in_the_order_of_the_parameters(function, args, kwargs, bound):
    result = CallSignature(function).bind(args, kwargs)

    assert result == bound
    assert list(result) == list(bound)


@pytest.mark.parametrize(
    ("ignore", "left"),
    [
        (["x"], {"y"}),
        (("x", "y"), set()),
        (["x", "x"], {"y"}),
        ([], {"x", "y"}),
    ],
)
def test_ignored_parameters_are_left_out(ignore, left):
    assert CallSignature(plain, ignore).bind((1,), {}).keys() == left


def test_surplus_arguments_can_be_ignored():
    signature = CallSignature(everything, ignore=["*", "**", "a"])

    assert signature.bind((1, 2, 3, 4), {"d": 4, "f": 5}) == {"b": 2, "c": 3, "d": 4, "e": 5}


@pytest.mark.parametrize("name", ["z", "*", "**"])
def test_ignoring_what_is_no_parameter_is_refused(name):
    with pytest.raises(InvalidArgumentError, match=r"plain has no parameter .*expected some of"):
        CallSignature(plain, ignore=["x", name])


def test_ignore_must_be_a_list():
    with pytest.raises(InvalidArgumentError, match=r"ignore='x' must be a list .* ignore=\['x'\]"):
        CallSignature(plain, ignore="x")


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "why"),
    [
        (plain, (), {}, r"plain\(\) cannot be called: 'x' is missing"),
        (plain, (1, 2, 3), {}, r"plain\(1, 2, 3\) cannot be called: it takes 2 by position"),
        (plain, (1,), {"x": 1}, r"plain\(1, x=1\) cannot be called: 'x' is given twice"),
        (plain, (1,), {"z": 1}, "it has no parameter 'z'"),
        (positional_only, (), {"x": 1}, "it has no parameter 'x'"),
        (keyword_only, (1,), {}, "'offset' is missing"),
        (SCALER.scale, ("long " * 20,), {"z": 1}, r"Scaler\.scale\('long .{,40}\.\.\., z=1\)"),
    ],
)
def test_a_call_that_cannot_be_made_is_refused_with_the_reason(function, args, kwargs, why):
    with pytest.raises(InvalidArgumentError, match=why):
        CallSignature(function).bind(args, kwargs)
    with pytest.raises(TypeError):
        inspect.signature(function).bind(*args, **kwargs)
