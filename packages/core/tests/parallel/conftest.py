"""What several files of tests use."""

from __future__ import annotations

import pytest
from fanfold import Memory
from fanfold.plugins import stores

from .many_store import ManyStore


@pytest.fixture
def many(tmp_path):
    """A Memory whose store reads many at once."""
    stores.register("many", ManyStore)
    yield Memory(f"many://{tmp_path}", verbose=0)
    stores.unregister("many")
    ManyStore.spaces.clear()
    ManyStore.asked.clear()
