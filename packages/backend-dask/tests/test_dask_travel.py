"""What travels with the tasks of a call to the workers of Dask, and what they tell."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING

import distributed
import pytest
from fanfold import Parallel, delayed

if TYPE_CHECKING:
    from collections.abc import Iterator

request_id: ContextVar[str] = ContextVar("request_id", default="none")
logger = logging.getLogger("fanfold_tests.dask")


@pytest.fixture(scope="module", params=["processes", "threads here"])
def any_client(request: pytest.FixtureRequest) -> Iterator[distributed.Client]:
    """A client of worker processes, then one of worker threads in this very process."""
    with (
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=2,
            processes=request.param == "processes",
            dashboard_address=":0",
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(autouse=True)
def _with_client(any_client: distributed.Client) -> None:
    """Have a client that Dask calls current."""


def warn_and_log(i: int) -> str:
    warnings.warn("careful", stacklevel=1)
    logger.info("task %d", i)
    return request_id.get()


def call(n_tasks: int = 6) -> list[str]:
    run = Parallel(n_jobs=2, backend="dask", batch_size=2)
    results: list[str] = run(delayed(warn_and_log)(i) for i in range(n_tasks))
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

    assert [str(one.message) for one in caught] == ["careful"] * 6
    assert sorted(caplog.messages) == [f"task {i}" for i in range(6)]


def test_records_of_worker_processes_name_their_task(
    client: distributed.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with warnings.catch_warnings(), caplog.at_level(logging.INFO, logger.name):
        warnings.simplefilter("ignore")
        call()
    told = {record.message: record for record in caplog.records}
    for i in range(6):
        record = told[f"task {i}"]
        assert record.__dict__["fanfold_task"] == i
        assert record.__dict__["fanfold_worker"] not in (None, os.getpid())


def test_filters_that_raise() -> None:
    with warnings.catch_warnings(), pytest.raises(UserWarning, match="careful"):
        warnings.simplefilter("error")
        call()


def test_workers_are_left_as_they_were(client: distributed.Client) -> None:
    def look() -> tuple[object, ...]:
        def shows() -> object:
            return warnings._showwarnmsg_impl.__qualname__  # type: ignore[attr-defined]

        return shows(), warnings.filters[:], logger.level, logging.Logger.callHandlers.__qualname__

    before = client.run(look)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        call()
    assert client.run(look) == before


marks: list[int] = []


def mark(number: int) -> None:
    marks.append(number)


def count_marks(number: int) -> int:
    return marks.count(number)


def test_an_initializer_runs_once_in_a_worker() -> None:
    number = threading.get_native_id() * 1000 + len(marks)
    run = Parallel(n_jobs=2, backend="dask", batch_size=1, initializer=mark, initargs=(number,))
    for _ in range(2):
        assert run(delayed(count_marks)(number) for _ in range(6)) == [1] * 6
