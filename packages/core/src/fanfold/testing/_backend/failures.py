"""Checks of what goes wrong in tasks, in the input and on the way: it is told, and nothing more."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import pytest

from ...errors import (
    RemoteTaskError,
    UnencodableResultError,
    UnpicklableTaskError,
    UnreadableResultError,
)
from ...parallel import Parallel, TaskFailure, delayed
from . import tasks
from .base import BackendChecks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...contracts.backend import Backend
    from ...tasks.naming import Task
    from .lobby import Lobby

__all__ = ["FailureChecks"]

_GOOD = delayed(tasks.add)(1)


class FailureChecks(BackendChecks):
    """Failures that are not the engine's."""

    def sends(self, backend: Backend) -> bool:
        """Tell whether tasks and results are sent, and so have to be pickled."""
        return not backend.capabilities.shares_memory and not self.runs_here(backend)

    def test_an_exception_comes_with_its_type_and_where_it_was_raised(
        self, backend: Backend
    ) -> None:
        calls = [_GOOD, delayed(tasks.fail)("no such thing"), _GOOD]

        with pytest.raises(ValueError, match="no such thing") as caught:
            self.call(backend, calls)

        text = "".join(traceback.format_exception(caught.value))
        assert type(caught.value) is ValueError
        assert "task 1" in text
        assert "raise ValueError(message)" in text
        self.check_usable(backend)

    def test_failures_take_the_place_of_results(self, backend: Backend) -> None:
        bad = delayed(tasks.fail)
        calls = [_GOOD, bad("one"), _GOOD, bad("three"), _GOOD]

        results = self.call(backend, calls, on_error="return", batch_size=5)

        assert results[::2] == [2, 2, 2]
        for index, message in ((1, "one"), (3, "three")):
            failure = results[index]
            assert isinstance(failure, TaskFailure)
            assert (failure.index, failure.attempts) == (index, 1)
            assert isinstance(failure.exception, ValueError)
            assert failure.exception.args == (message,)
            assert "raise ValueError(message)" in failure.traceback

    def test_a_task_that_fails_is_tried_again(self, backend: Backend, lobby: Lobby) -> None:
        call = delayed(tasks.report_and_fail)(lobby.address, "guest")

        good, failure = self.call(backend, [_GOOD, call], on_error="return", retries=2)

        assert good == 2
        assert lobby.names == ["guest"] * 3
        assert failure.attempts == 3

    def test_results_before_a_failure_are_given(self, backend: Backend) -> None:
        calls = [_GOOD, _GOOD, delayed(tasks.fail)("no")]
        options: dict[str, Any] = {"n_jobs": 2, "return_as": "generator", "batch_size": 3}
        given = []

        def take() -> None:
            for result in Parallel(backend=backend, **options)(calls):
                given.append(result)  # noqa: PERF402  a list() would lose them

        with pytest.raises(ValueError, match="no"):
            self.within(take)

        assert given == [2, 2]

    def test_an_exception_that_cannot_be_rebuilt_comes_as_text(self, backend: Backend) -> None:
        expected = RemoteTaskError if self.sends(backend) else tasks.PoisonError
        call = delayed(tasks.ends_with)(tasks.PoisonError, "fire", "water")

        with pytest.raises(expected, match="fire and water") as caught:
            self.call(backend, [_GOOD, call])

        assert "PoisonError" in "".join(traceback.format_exception(caught.value))
        self.check_usable(backend)

    def test_an_exception_that_cannot_be_pickled_comes_as_text(self, backend: Backend) -> None:
        expected = RemoteTaskError if self.sends(backend) else RuntimeError
        call = delayed(tasks.end_with_a_lock)("locked")

        with pytest.raises(expected, match="locked"):
            self.call(backend, [_GOOD, call])

        self.check_usable(backend)

    def test_a_task_that_exits_ends_the_call(self, backend: Backend) -> None:
        call = delayed(tasks.ends_with)(SystemExit, 3)

        with pytest.raises(SystemExit) as caught:
            self.call(backend, [_GOOD, call])

        assert caught.value.args == (3,)
        self.check_usable(backend)

    def test_an_argument_that_cannot_be_pickled_is_named(self, backend: Backend) -> None:
        call = delayed(tasks.type_name)(tasks.Unpicklable())

        if self.sends(backend):
            with pytest.raises(UnpicklableTaskError, match=r"task 1 .*args\[0\]\.lock"):
                self.call(backend, [_GOOD, call])
        else:
            assert self.call(backend, [_GOOD, call]) == [2, "Unpicklable"]
        self.check_usable(backend)

    def test_a_function_that_cannot_be_pickled_is_named(self, backend: Backend) -> None:
        secret = tasks.Unpicklable()

        def function() -> str:
            return tasks.type_name(secret)

        call = delayed(function)()
        if self.sends(backend):
            with pytest.raises(UnpicklableTaskError, match=r"task 1 .*variable 'secret'"):
                self.call(backend, [_GOOD, call])
        else:
            assert self.call(backend, [_GOOD, call]) == [2, "Unpicklable"]
        self.check_usable(backend)

    def test_an_argument_that_cannot_be_rebuilt_is_told(self, backend: Backend) -> None:
        call = delayed(tasks.type_name)(tasks.Unreadable())

        if self.sends(backend):
            with pytest.raises(ValueError, match="it refuses to be rebuilt") as caught:
                self.call(backend, [_GOOD, call])
            notes = "".join(caught.value.__notes__)
            assert "the worker could not rebuild the arguments of task 1" in notes
        else:
            assert self.call(backend, [_GOOD, call]) == [2, "Unreadable"]
        self.check_usable(backend)

    def test_a_result_that_cannot_be_pickled_is_named(self, backend: Backend) -> None:
        call = delayed(tasks.make)(tasks.Unpicklable)

        if self.sends(backend):
            with pytest.raises(UnencodableResultError, match=r"task 1: .*result\.lock"):
                self.call(backend, [_GOOD, call])
        else:
            assert isinstance(self.call(backend, [_GOOD, call])[1], tasks.Unpicklable)
        self.check_usable(backend)

    def test_a_result_that_cannot_be_rebuilt_is_named(self, backend: Backend) -> None:
        call = delayed(tasks.make)(tasks.Unreadable)

        if self.sends(backend):
            with pytest.raises(UnreadableResultError, match=r"task 1: .*it refuses to be rebuilt"):
                self.call(backend, [_GOOD, call])
        else:
            assert isinstance(self.call(backend, [_GOOD, call])[1], tasks.Unreadable)
        self.check_usable(backend)

    def test_an_input_that_raises_ends_the_call(self, backend: Backend) -> None:
        def yield_and_raise() -> Iterator[Task]:
            for number in range(5):
                yield delayed(tasks.add)(number)
            raise LookupError("no more")

        with pytest.raises(LookupError, match="no more"):
            self.call(backend, yield_and_raise())

        self.check_usable(backend)

    def test_something_that_is_no_task_is_refused(self, backend: Backend) -> None:
        calls: list[Any] = [_GOOD, tasks.add(1)]

        with pytest.raises(TypeError, match=r"1.*delayed"):
            self.call(backend, calls, batch_size=1)  # so that the first is on its way by then

        self.check_usable(backend)
