"""Interpreters as workers: what choosing them says where there are none."""

import sys

import pytest
from fanfold import Parallel, delayed
from fanfold.errors import BackendUnavailableError


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python has interpreters")
def test_an_older_python_is_told_what_it_takes_and_what_to_use():
    with pytest.raises(BackendUnavailableError, match=r"needs Python 3\.14 or newer") as caught:
        Parallel(n_jobs=2, backend="interpreters")

    assert "backend='processes'" in str(caught.value)
    assert "backend='threads'" in str(caught.value)


@pytest.mark.skipif(sys.version_info < (3, 14), reason="concurrent.interpreters is new in 3.14")
class TestNestedCalls:
    def test_run_one_after_the_other(self):
        def call():
            return Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(3))

        assert Parallel(n_jobs=2, backend="interpreters")([delayed(call)()]) == [[0, 1, 2]]

    def test_on_threads_are_refused(self):
        def call():
            return Parallel(n_jobs=2, backend="threads")(delayed(abs)(-i) for i in range(3))

        with pytest.raises(BackendUnavailableError, match="use backend='sequential'"):
            Parallel(n_jobs=2, backend="interpreters")([delayed(call)()])
