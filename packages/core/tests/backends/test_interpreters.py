"""Interpreters as workers: what choosing them says where there are none."""

import sys

import pytest
from fanfold import Parallel
from fanfold.errors import BackendUnavailableError


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python has interpreters")
def test_an_older_python_is_told_what_it_takes_and_what_to_use():
    with pytest.raises(BackendUnavailableError, match=r"needs Python 3\.14 or newer") as caught:
        Parallel(n_jobs=2, backend="interpreters")

    assert "backend='processes'" in str(caught.value)
    assert "backend='threads'" in str(caught.value)
