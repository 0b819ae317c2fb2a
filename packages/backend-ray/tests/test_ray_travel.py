"""What travels with the tasks of a call to the workers of Ray, and what they tell."""

from __future__ import annotations

import logging
import os
import warnings
from contextvars import ContextVar, copy_context

import pytest
from fanfold import Parallel, delayed
from fanfold.errors import InitializerError

pytestmark = pytest.mark.usefixtures("ray_cluster")

request_id: ContextVar[str] = ContextVar("request_id", default="none")
logger = logging.getLogger("fanfold_tests.ray")


def warn_and_log(i: int) -> str:
    warnings.warn("careful", stacklevel=1)
    logger.info("task %d", i)
    return request_id.get()


def call() -> list[str]:
    run = Parallel(n_jobs=2, backend="ray", batch_size=2)
    results: list[str] = run(delayed(warn_and_log)(i) for i in range(6))
    return results


def test_context_warnings_and_records(caplog: pytest.LogCaptureFixture) -> None:
    def in_context() -> list[str]:
        request_id.set("a17")
        return call()

    with (
        warnings.catch_warnings(record=True) as caught,
        caplog.at_level(logging.INFO, logger.name),
    ):
        warnings.simplefilter("always")
        assert copy_context().run(in_context) == ["a17"] * 6

    assert [str(one.message) for one in caught if one.filename == __file__] == ["careful"] * 6
    told = {record.message: record for record in caplog.records}
    for i in range(6):
        record = told[f"task {i}"]
        assert record.__dict__["fanfold_task"] == i
        assert record.__dict__["fanfold_worker"] not in (None, os.getpid())


def test_filters_that_raise() -> None:
    with warnings.catch_warnings(), pytest.raises(UserWarning, match="careful"):
        warnings.simplefilter("error", UserWarning)
        call()


ready: list[str] = []


def get_ready(word: str) -> None:
    ready.append(word)


def words() -> list[str]:
    return ready


def test_an_initializer_runs_once_in_a_worker() -> None:
    run = Parallel(n_jobs=2, backend="ray", batch_size=1, initializer=get_ready, initargs=("set",))
    for _ in range(2):
        assert run(delayed(words)() for _ in range(6)) == [["set"]] * 6


def fail() -> None:
    raise ValueError("no licence")


def test_one_that_fails_is_named() -> None:
    with pytest.raises(InitializerError, match=r"fail\(\) raised ValueError: no licence"):
        Parallel(n_jobs=2, backend="ray", initializer=fail)([delayed(abs)(-1)])
