"""The suite of backends catches backends that are broken on purpose, and passes a sound one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fanfold.testing import BackendConformance

if TYPE_CHECKING:
    from conftest import Report

# The first test waits for all sessions of pytest, which wait for what does not come.
pytestmark = pytest.mark.timeout(600)

CAUGHT_BY = {
    "test_known_failures_are_checks_of_the_suite": [],
    "test_checks_are_the_suites_own": [],
    "test_the_backend_declares_itself": [
        "HasNoName",
        "DeclaresAnything",
        "HasZeroJobsByDefault",
        "RunsInCallerAndShareNothing",
    ],
    "test_a_request_is_an_upper_bound": ["HasNoWorkers", "HasMoreWorkersThanAskedFor"],
    "test_a_negative_request_counts_back_from_all": ["DoesNotCountBack", "HasNoWorkers"],
    "test_a_batch_comes_back_with_the_results_of_its_tasks": ["DropsTheTail"],
    "test_each_batch_comes_back_with_its_own_results": [
        "GivesTheSameAgain",
        "LosesBatches",
    ],
    "test_each_task_runs_once": ["RunsTwice"],
    "test_what_a_task_raises_is_part_of_the_outcome": ["SwallowsExceptions"],
    "test_submit_does_not_wait_for_the_batch": ["SubmitWaits", "RunsInCallerUndeclared"],
    "test_wait_ends_after_its_timeout": ["WaitsForEver"],
    "test_wait_can_be_interrupted": ["CannotBeInterrupted"],
    "test_no_more_batches_run_at_once_than_were_asked_for": ["RunsAllAtOnce"],
    "test_as_many_batches_run_at_once_as_were_asked_for": ["RunsOneAtATime", "SubmitWaits"],
    "test_batches_complete_in_any_order": ["AnswersInOrder", "AnswersWhoeverWaitsLongest"],
    "test_what_is_more_than_the_engine_has_room_for_waits": [
        "RefusesMoreJobsThanWorkers",
        "LosesBatches",
    ],
    "test_executors_do_not_disturb_each_other": ["ClosesEverybody", "WorksOnce"],
    "test_an_executor_may_be_closed_more_than_once_and_from_any_thread": ["ClosesOnce"],
    "test_an_aborted_executor_drops_what_waits": ["AbortsNothing"],
    "test_a_closed_backend_may_be_used_again": ["ClosesForGood"],
    "test_stops_running_tasks": ["DeclaresStopping", "StopsUndeclared"],
    "test_stores_objects": [
        "DeclaresStoring",
        "StoresUndeclared",
        "StoresTheBeginning",
        "StoresNoCopy",
    ],
    "test_shares_memory": ["DeclaresSharing"],
    "test_shared_memory_can_be_required_where_it_is_declared": ["DeclaresSharing"],
    "test_runs_in_caller": ["DeclaresRunningInCaller", "RunsInCallerUndeclared"],
    "test_spans_hosts": ["DeclaresHosts"],
    "test_limits_inner_threads": ["DeclaresInnerThreads"],
    "test_nested_calls_have_a_backend": ["NestsInNoBackend"],
    "test_a_task_counts_its_share_of_the_cpus": ["HasNoCpus"],
    "test_results_come_in_the_order_of_the_tasks": [
        "GivesTheSameAgain",
        "RefusesMoreJobsThanWorkers",
    ],
    "test_a_task_that_ends_early_keeps_its_place": ["DropsTheTail"],
    "test_tasks_whose_results_are_in_a_cache_are_found_in_their_place": [
        "DropsTheTail",
    ],
    "test_no_tasks_have_no_results": ["WorksNever"],
    "test_one_task_has_one_result": ["DropsTheTail"],
    "test_any_callable_may_be_a_task": ["KnowsOnlyNamedFunctions"],
    "test_a_class_may_be_a_task": ["KnowsOnlyNamedFunctions"],
    "test_many_small_tasks": ["LosesBatches", "HasNoRoomForManyTasks"],
    "test_batches_may_have_any_size": ["HasNoRoomForManyTasks"],
    "test_all_tasks_may_be_submitted_at_once": ["GivesTheSameAgain"],
    "test_large_arguments_and_results_come_whole_and_may_be_changed": [
        "HasNoRoomForLargeBatches",
        "GivesReadOnlyBuffers",
    ],
    "test_what_large_arguments_are_made_of_may_only_be_read": ["StoresTheBeginning"],
    "test_large_arrays_come_whole": ["HasNoRoomForLargeBatches"],
    "test_an_argument_arrives_as_it_was_when_it_was_taken": ["GivesTheSameAgain"],
    "test_seeded_tasks_draw_the_same_everywhere": ["GivesTheSameAgain", "DropsTheTail"],
    "test_a_call_in_a_task": ["NestsInNoBackend"],
    "test_a_call_in_a_task_of_a_task": ["NestsInNoBackend"],
    "test_an_object_may_be_called_again": ["WorksOnce"],
    "test_the_backend_may_be_configured_for_many_calls": ["WorksNever", "HasZeroJobsByDefault"],
    "test_an_exception_comes_with_its_type_and_where_it_was_raised": [
        "SwallowsExceptions",
        "BreaksWhenACallIsGivenUp",
    ],
    "test_failures_take_the_place_of_results": ["SwallowsExceptions", "TellsOfOneFailureOnly"],
    "test_a_task_that_fails_is_tried_again": ["SwallowsExceptions", "GivesTheSameAgain"],
    "test_results_before_a_failure_are_given": ["SwallowsExceptions", "DropsTheTail"],
    "test_an_exception_that_cannot_be_rebuilt_comes_as_text": ["SwallowsExceptions"],
    "test_an_exception_that_cannot_be_pickled_comes_as_text": ["SwallowsExceptions"],
    "test_a_task_that_exits_ends_the_call": ["SwallowsExceptions"],
    "test_an_argument_that_cannot_be_pickled_is_named": ["WorksNever"],
    "test_a_function_that_cannot_be_pickled_is_named": ["WorksNever"],
    "test_an_argument_that_cannot_be_rebuilt_is_told": ["SwallowsExceptions"],
    "test_a_result_that_cannot_be_pickled_is_named": ["SwallowsExceptions"],
    "test_a_result_that_cannot_be_rebuilt_is_named": ["DropsTheTail"],
    "test_an_input_that_raises_ends_the_call": ["WorksNever"],
    "test_something_that_is_no_task_is_refused": ["WorksNever"],
    "test_a_generator_gives_results_in_order": ["GivesTheSameAgain", "LosesBatches"],
    "test_an_unordered_generator_gives_every_result_once": ["GivesTheSameAgain", "DropsTheTail"],
    "test_an_unordered_generator_gives_first_what_ends_first": ["AnswersInOrder"],
    "test_the_input_runs_in_the_thread_that_takes_the_results": ["DeclaresRunningInCaller"],
    "test_a_closed_generator_ends_the_call": ["BreaksWhenACallIsGivenUp"],
    "test_a_slow_consumer_stops_the_input": ["GivesTheSameAgain"],
    "test_a_task_that_takes_too_long_is_named": ["WaitsForEver", "DeclaresStopping"],
    "test_a_task_has_only_its_own_time": ["DeclaresTaskTime", "LosesBatches"],
    "test_context_variables_come_to_the_tasks": ["DropsTheTail"],
    "test_an_initializer_runs_before_the_first_task_and_not_for_each": ["DropsTheTail"],
    "test_an_initializer_that_fails_is_named": ["SwallowsExceptions"],
    "test_warnings_come_to_the_caller": ["RunsTwice"],
    "test_a_warning_that_is_an_error_to_the_caller_fails_its_task": ["SwallowsExceptions"],
    "test_log_records_come_to_the_caller": ["DropsTheTail"],
    "test_many_threads_may_call_at_once": ["GivesTheSameAgain", "WorksOnce"],
    "test_a_failure_does_not_disturb_another_call": ["ServesOneAfterTheOther"],
    "test_a_lost_worker_loses_only_what_it_ran": [
        "HangsWithItsWorkers",
        "TellsOfAnyError",
        "BlamesAnotherTask",
        "NamesNoTask",
    ],
    "test_the_future_of_a_lost_worker_is_completed": [
        "HangsWithItsWorkers",
        "TellsOfAnyError",
        "NamesNoTask",
        "NeverRecovers",
    ],
    "test_a_task_that_ends_its_worker_is_named": [
        "HangsWithItsWorkers",
        "TellsOfAnyError",
        "NamesNoTask",
        "NeverRecovers",
    ],
    "test_a_task_whose_worker_is_killed_is_named_or_runs_again": [
        "HangsWithItsWorkers",
        "TellsOfAnyError",
        "NamesNoTask",
        "NeverRecovers",
    ],
}

NEED_OTHER_PROCESSES = [check for check, backends in CAUGHT_BY.items() if "NamesNoTask" in backends]
BROKEN = [(check, backend) for check, backends in CAUGHT_BY.items() for backend in backends]

MODULES = [Path(__file__).with_name(f"{name}.py") for name in ("broken_backends", "broken_engines")]
SUITES = """
import broken_backends
import broken_engines
from fanfold.testing import BackendConformance

def suite(backend):
    # Broken ones are waited for in vain, which is to be short.
    patience = 60 if backend is broken_backends.Sound else 1
    members = {"make_backend": lambda self: backend(), "patience": patience}
    return type("Test" + backend.__name__, (BackendConformance,), members)

kinds = {**vars(broken_backends), **vars(broken_engines)}.values()
backends = [kind for kind in kinds if isinstance(kind, type)]
globals().update({f"Test{backend.__name__}": suite(backend) for backend in backends})

class TestNothing(BackendConformance):
    pass
"""
A_CHECK = "test_no_tasks_have_no_results"
N_SESSIONS = 3  # at once: most of the time they wait for what does not come


@pytest.fixture(scope="module")
def report(run_suites: Callable[..., Report]) -> Report:
    broken = [f"Test{backend}::{check}" for check, backend in BROKEN]
    choices = [broken[first::N_SESSIONS] for first in range(N_SESSIONS)]
    return run_suites(SUITES, MODULES, ["TestSound", f"TestNothing::{A_CHECK}"], *choices)


def checks() -> list[str]:
    return [name for name in dir(BackendConformance) if name.startswith("test_")]


def test_every_check_is_tried_on_a_broken_backend() -> None:
    assert sorted(CAUGHT_BY) == checks()


@pytest.mark.parametrize(("check", "backend"), BROKEN)
def test_a_broken_backend_fails_the_check_of_what_is_broken(
    report: Report, check: str, backend: str
) -> None:
    hows = report.hows(f"Test{backend}", check)

    assert "failure" in hows
    assert "error" not in hows


def test_a_sound_backend_passes_every_check_but_those_that_need_other_processes(
    report: Report,
) -> None:
    not_passed = {check for check in checks() if report.hows("TestSound", check) != {"passed"}}

    assert not_passed == set(NEED_OTHER_PROCESSES)


def test_a_suite_without_a_backend_says_what_to_override(report: Report) -> None:
    [end] = report.of("TestNothing", A_CHECK)

    assert "TestNothing has to override make_backend" in end.text
