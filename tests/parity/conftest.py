"""The two libraries that every test here runs with."""

from __future__ import annotations

import fanfold
import joblib
import pytest


@pytest.fixture(params=[joblib, fanfold], ids=["joblib", "fanfold"])
def library(request):
    """Give joblib, then fanfold: what is said of the one has to hold for the other."""
    return request.param
