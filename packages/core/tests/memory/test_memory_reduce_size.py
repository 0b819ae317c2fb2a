"""`Memory.reduce_size`: what goes first, and when enough has gone."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fanfold import Memory
from fanfold.errors import InvalidArgumentError

HOUR = 3600


@pytest.fixture
def block(local: Memory) -> Any:
    """A cached function with results of a little more than 10 KB."""

    def f(n: int) -> bytes:
        return os.urandom(10_000)

    return local.cache(f)


@pytest.fixture
def age(local: Memory) -> Callable[[Any, float], None]:
    """Pretend that a result was last used some seconds ago."""

    def make_old(reference: Any, seconds: float) -> None:
        assert local.store_backend is not None
        path = local.store_backend.local_path(reference.key)
        assert path is not None
        modified = path.stat().st_mtime - seconds
        os.utime(path, (modified, modified))

    return make_old


def remaining(block: Any) -> list[int]:
    return [n for n in range(4) if block.check_call_in_cache(n)]


@pytest.fixture
def aged(block: Any, age: Callable[[Any, float], None]) -> Any:
    """The function with results for 0 to 3, used 4, 3, 2 and 1 hours ago."""
    for n in range(4):
        age(block.call_and_shelve(n), (4 - n) * HOUR)
    return block


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        ({}, [0, 1, 2, 3]),
        ({"items_limit": 2}, [2, 3]),
        ({"items_limit": 9}, [0, 1, 2, 3]),
        ({"items_limit": 0}, []),
        ({"bytes_limit": 21_000}, [2, 3]),
        ({"bytes_limit": "21K"}, [2, 3]),
        ({"bytes_limit": "0.03m"}, [1, 2, 3]),
        ({"bytes_limit": "1GB"}, [0, 1, 2, 3]),
        ({"bytes_limit": 0}, []),
        ({"age_limit": timedelta(hours=2.5)}, [2, 3]),
        ({"age_limit": timedelta(0)}, []),
        ({"age_limit": timedelta(hours=3.5), "items_limit": 1}, [3]),
    ],
)
def test_what_was_not_used_for_longest_goes_until_all_limits_are_kept(
    local: Memory, aged: Any, limits: dict[str, Any], kept: list[int]
) -> None:
    local.reduce_size(**limits)

    assert remaining(aged) == kept


@pytest.mark.parametrize(
    "use",
    [
        lambda block: block(0),
        lambda block: block.call_and_shelve(0),
        lambda block: block.call_and_shelve(0).get(),
    ],
)
def test_using_a_result_keeps_it(local: Memory, aged: Any, use: Callable[[Any], object]) -> None:
    use(aged)

    local.reduce_size(items_limit=2)

    assert remaining(aged) == [0, 3]


def test_looking_whether_a_result_is_there_does_not_keep_it(local: Memory, aged: Any) -> None:
    aged.check_call_in_cache(0)

    local.reduce_size(items_limit=3)

    assert remaining(aged) == [1, 2, 3]


def test_it_works_on_any_store(memory: Memory) -> None:
    cached = memory.cache(lambda n: n)
    for n in range(4):
        cached(n)

    memory.reduce_size(items_limit=1)

    assert sum(map(cached.check_call_in_cache, range(4))) == 1


def test_it_spares_what_is_not_of_a_memory(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("priceless")

    Memory(tmp_path).reduce_size(items_limit=0)

    assert (tmp_path / "thesis.txt").exists()


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"bytes_limit": "1Q"}, "bytes_limit='1Q'"),
        ({"bytes_limit": "lots"}, "bytes_limit='lots'"),
        ({"bytes_limit": -1}, "bytes_limit=-1"),
        ({"bytes_limit": "inf"}, "bytes_limit='inf'"),
        ({"bytes_limit": [1]}, r"bytes_limit=\[1\]"),
        ({"items_limit": -1}, "items_limit=-1"),
        ({"items_limit": 1.5}, "items_limit=1.5"),
        ({"age_limit": 3}, "age_limit=3"),
        ({"age_limit": timedelta(days=-1)}, "age_limit="),
    ],
)
@pytest.mark.parametrize("location", ["local", None], indirect=False)
def test_limits_that_will_not_do_are_refused(
    tmp_path: Path, location: str | None, limits: dict[str, Any], message: str
) -> None:
    memory = Memory(tmp_path if location else None)

    with pytest.raises(InvalidArgumentError, match=message):
        memory.reduce_size(**limits)
