"""What calls take they give back: processes, threads, descriptors, shared memory and files."""

from __future__ import annotations

import pytest


def test_a_thousand_calls_hold_no_more_than_the_first(start):
    start("returning.py", "small", 1000).finish()


@pytest.mark.parametrize("kind", ["arrays", "kept_arrays"])
def test_calls_with_large_arrays_hold_no_more_than_the_first(kind, start, rounds):
    start("returning.py", kind, min(1000, 100 * rounds)).finish()


@pytest.mark.parametrize("kind", ["streams", "errors", "lost_workers"])
def test_calls_that_end_early_hold_no_more_than_the_first(kind, start, rounds):
    start("returning.py", kind, 8 * rounds).finish()
