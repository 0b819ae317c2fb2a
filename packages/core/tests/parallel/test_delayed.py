"""delayed: a call that is written down."""

import gc
import inspect
import weakref
from math import sqrt

import pytest
from fanfold import delayed


class Model:
    def predict(self, value):
        return value

    def __call__(self, value):
        return value


def double(value, *, times=2):
    return value * times


def test_a_task_is_function_arguments_and_keyword_arguments():
    assert delayed(double)(1, times=3) == (double, (1,), {"times": 3})
    assert delayed(sqrt)(4) == (sqrt, (4,), {})


def test_functions_in_turn_are_not_mixed_up():
    tasks = [delayed(function)(4) for function in (sqrt, double, double, sqrt, abs, double)]

    assert [function for function, _, _ in tasks] == [sqrt, double, double, sqrt, abs, double]


def test_the_signature_is_that_of_the_function():
    assert inspect.signature(delayed(double)) == inspect.signature(double)


def test_keyword_arguments_may_have_any_name():
    function = dict

    assert delayed(function)(function=1, self=2) == (dict, (), {"function": 1, "self": 2})


@pytest.mark.parametrize(
    "function_with",
    [
        lambda model: model,
        lambda model: model.predict,
        lambda model: lambda value: model.predict(value),
        lambda model: lambda value, model=model: model.predict(value),
        lambda model: lambda value, *, model=model: model.predict(value),
    ],
    ids=["callable", "method", "closure", "default", "keyword default"],
)
def test_what_a_function_refers_to_is_not_kept_alive(function_with):
    model = Model()
    gone = weakref.ref(model)
    function = function_with(model)
    delayed(function)(1)

    del model, function
    gc.collect()

    assert gone() is None


def test_nor_is_the_object_of_a_builtin_method():
    class Values(list):
        pass

    values = Values()
    gone = weakref.ref(values)
    delayed(values.append)(1)

    del values
    gc.collect()

    assert gone() is None
