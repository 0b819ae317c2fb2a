"""Code that marks what plain pickle cannot take keeps working."""

import pytest
from fanfold import Parallel, delayed, wrap_non_picklable_objects


@pytest.mark.parametrize("keep_wrapper", [True, False])
def test_marked_functions_run_on_workers(keep_wrapper):
    double = wrap_non_picklable_objects(lambda x: 2 * x, keep_wrapper=keep_wrapper)
    assert Parallel(n_jobs=2)(delayed(double)(x) for x in range(3)) == [0, 2, 4]


def test_marked_classes_are_classes():
    @wrap_non_picklable_objects
    class Point:
        def __init__(self, x):
            self.x = x

    assert [p.x for p in Parallel(n_jobs=2)(delayed(Point)(x) for x in range(3))] == [0, 1, 2]
