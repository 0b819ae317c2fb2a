"""BoundedExecutor: what an engine gets, and when."""

from __future__ import annotations

from concurrent.futures import Future

import pytest
from fanfold.contracts import Batch, BoundedExecutor
from fanfold.errors import BackendUnavailableError


class Task(Batch):
    """A batch of one task, or of more."""

    payload = b""

    def __init__(self, first_task: int, size: int = 1, label: str = "math.sqrt") -> None:
        self.first_task = first_task
        self._size = size
        self._label = label

    @property
    def size(self) -> int:
        return self._size

    @property
    def label(self) -> str:
        return self._label

    def run(self) -> object:
        return self.first_task


class Engine(BoundedExecutor):
    """Notes what it is given; a test completes it."""

    def __init__(self, n_jobs: int) -> None:
        super().__init__(n_jobs)
        self.running: dict[int, Future[object]] = {}
        self.aborted: list[list[int]] = []
        self.refused: set[int] = set()

    def start(self, batch: Batch, future: Future[object]) -> None:
        if batch.first_task in self.refused:
            raise BackendUnavailableError(f"no room for {batch.summary}")
        self.running[batch.first_task] = future

    def abort(self) -> None:
        self.aborted.append(list(self.running))

    def complete(self, number: int) -> None:
        self.running.pop(number).set_result(number)


def submit(engine: Engine, count: int) -> list[Future[object]]:
    return [engine.submit(Task(number)) for number in range(count)]


def test_no_more_than_n_jobs_batches_are_started_and_the_others_follow_in_order() -> None:
    engine = Engine(2)
    futures = submit(engine, 5)
    assert list(engine.running) == [0, 1]

    engine.complete(1)
    assert list(engine.running) == [0, 2]
    engine.complete(2)
    engine.complete(0)

    assert list(engine.running) == [3, 4]
    assert [future.done() for future in futures] == [True, True, True, False, False]


def test_a_failure_makes_room_too() -> None:
    engine = Engine(1)
    [first, _] = submit(engine, 2)

    engine.running.pop(0).set_exception(OSError())

    assert isinstance(first.exception(), OSError)
    assert list(engine.running) == [1]


def test_what_the_engine_refuses_fails_and_the_next_is_tried() -> None:
    engine = Engine(1)
    engine.refused = {1, 2}
    futures = submit(engine, 4)

    engine.complete(0)

    assert list(engine.running) == [3]
    with pytest.raises(BackendUnavailableError, match=r"no room for task 1 \(math.sqrt\)"):
        futures[1].result()
    assert futures[2].exception() is not None


def test_many_refusals_do_not_nest() -> None:
    engine = Engine(1)
    engine.refused = set(range(1, 5000))
    futures = submit(engine, 5000)

    engine.complete(0)

    assert all(future.done() for future in futures)


def test_a_closed_executor_starts_nothing_more() -> None:
    engine = Engine(1)
    submit(engine, 3)

    engine.close()
    engine.complete(0)

    assert engine.running == {}
    assert engine.aborted == []


def test_an_aborted_executor_aborts_what_runs() -> None:
    engine = Engine(2)
    submit(engine, 3)

    engine.close(abort=True)

    assert engine.aborted == [[0, 1]]


def test_what_is_started_while_another_thread_aborts_is_aborted_too() -> None:
    class ClosedMeanwhile(Engine):
        def start(self, batch: Batch, future: Future[object]) -> None:
            self.close(abort=True)
            super().start(batch, future)

    engine = ClosedMeanwhile(1)

    engine.submit(Task(0))

    assert engine.aborted == [[], [0]]


@pytest.mark.parametrize(
    ("batch", "summary"),
    [
        (Task(3), "task 3 (math.sqrt)"),
        (Task(3, size=2), "tasks 3 to 4 (math.sqrt, …)"),
        (Task(3, size=0), "task 3 (math.sqrt)"),  # tasks that are counted as they are taken
    ],
)
def test_a_batch_sums_itself_up(batch: Task, summary: str) -> None:
    assert batch.summary == summary
