"""Fixtures of the chaos suite."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from tests.chaos.harness import Program

if sys.platform != "linux":
    pytest.skip("chaos is made, and counted, through /proc", allow_module_level=True)


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    """How often each test is to repeat what it does."""
    number: int = request.config.getoption("--chaos-rounds")
    return number


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Return what starts a program; at the end nothing of it runs any more."""
    numbers = count()
    with ExitStack() as stack:

        def start_one(
            name: str, *arguments: object, seconds: float = 100, within: Sequence[str] = ()
        ) -> Program:
            folder = tmp_path / str(next(numbers))
            program = Program(folder, seconds, name, *map(str, arguments), within=within)
            stack.callback(program.close)
            return program

        yield start_one
