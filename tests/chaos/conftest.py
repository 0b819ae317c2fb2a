"""Fixtures of the chaos suite."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from tests.chaos.harness import Program


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give the tests here time for their rounds; programs that hang are noticed before."""
    limit = seconds_for(config) + 60
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(limit))
            if sys.platform != "linux":
                item.add_marker(pytest.mark.skip("chaos is made, and counted, through /proc"))


def seconds_for(config: pytest.Config) -> float:
    """Return how long a program may take, on a machine with much else to do."""
    rounds: int = config.getoption("--chaos-rounds")
    return 60 + 20 * rounds


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    """How often each test is to repeat what it does."""
    number: int = request.config.getoption("--chaos-rounds")
    return number


@pytest.fixture
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Return what starts a program; at the end nothing of it runs any more."""
    numbers = count()
    with ExitStack() as stack:

        def start_one(name: str, *arguments: object, within: Sequence[str] = ()) -> Program:
            folder, seconds = tmp_path / str(next(numbers)), seconds_for(request.config)
            program = Program(folder, seconds, name, *map(str, arguments), within=within)
            stack.callback(program.close)
            return program

        yield start_one
