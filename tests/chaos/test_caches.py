"""A cache whose users are killed."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("kind", ["locks", "leases"])
def test_a_cache_survives_whoever_is_killed(start, rounds, tmp_path, kind):
    start(
        "caching.py", tmp_path / "cache", rounds * 25 if kind == "locks" else rounds, kind
    ).finish()
