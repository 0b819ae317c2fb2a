"""The suite of stores catches stores that are broken on purpose, and passes those that are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fanfold.testing import StoreConformance

if TYPE_CHECKING:
    from conftest import Report

# The first test waits for all sessions of pytest, which wait for what does not come.
pytestmark = pytest.mark.timeout(600)

CAUGHT_BY = {
    "test_known_failures_are_checks_of_the_suite": [],
    "test_checks_are_the_suites_own": [],
    "test_an_entry_comes_back_as_it_was_put": ["DoesNothing", "LosesPieces", "ReturnsAView"],
    "test_a_missing_entry_is_none": ["MissingIsEmpty"],
    "test_a_range_gives_what_a_slice_gives": ["RangesAreOffByOne", "ReturnsAView"],
    "test_a_range_of_an_empty_entry_is_empty": ["EmptyIsMissing"],
    "test_a_range_of_a_missing_entry_is_none": ["MissingIsEmpty"],
    "test_a_put_replaces_what_was_there": ["DoesNotTruncate", "ReadsAreStale"],
    "test_a_big_value_comes_back_whole_and_in_parts": [
        "RangesOfBigValuesAreOffByOne",
        "LosesPieces",
    ],
    "test_what_happens_to_the_pieces_after_a_put_does_not_matter": ["KeepsThePieces"],
    "test_a_put_whose_pieces_cannot_be_read_changes_nothing": [
        "WritesInPlace",
        "ListsUnfinishedWork",
    ],
    "test_a_legal_key_works": ["QuotesKeys", "ShortensKeys"],
    "test_an_illegal_key_is_refused": ["TakesAnyKey"],
    "test_similar_keys_are_different_entries": ["QuotesKeys"],
    "test_the_beginning_of_a_key_is_no_entry": ["ABeginningIsAnEntry"],
    "test_an_empty_store_lists_nothing": ["ListsAMissingEntry"],
    "test_every_entry_is_listed_once_with_its_size": ["ListsTwice", "ListsWrongSizes"],
    "test_more_entries_are_listed_than_one_answer_may_hold": ["ListsAreShort"],
    "test_a_prefix_selects_whole_parts": ["PrefixesAreText", "ListsAMissingEntry"],
    "test_a_prefix_that_is_not_whole_parts_is_refused": ["TakesAnyPrefix"],
    "test_an_entry_tells_when_it_was_written": ["TellsTheAge"],
    "test_entries_may_be_deleted_while_they_are_listed": ["ListsLikeADict", "ListsByPosition"],
    "test_what_stays_is_listed_once_while_other_entries_come_and_go": [
        "ListsLikeADict",
        "ListsByPosition",
    ],
    "test_a_deleted_entry_is_gone": ["DeleteLies", "DeleteDoesNothing", "DeleteNeverSaysYes"],
    "test_a_delete_spares_other_entries": ["DeletesTheFolder"],
    "test_a_deleted_entry_may_be_put_again": ["DeletedKeysStayDeleted"],
    "test_the_store_declares_itself": ["DeclaresAnything"],
    "test_put_if_absent_writes_where_nothing_is": [
        "NewEntriesLoseTheirPieces",
        "DeclaredDoesNotWork",
        "UndeclaredWorks",
    ],
    "test_put_if_absent_spares_what_is_there": ["NewEntriesOverwrite"],
    "test_put_if_absent_writes_again_after_a_delete": ["DeletedKeysStayDeleted"],
    "test_put_if_absent_lets_one_of_two_win_that_overlap": ["NewEntriesRace"],
    "test_put_if_absent_lets_one_of_many_threads_win": ["NewEntriesRace"],
    "test_put_if_absent_lets_one_of_many_processes_win": ["NewEntriesOverwrite"],
    "test_a_writer_killed_in_the_middle_of_put_if_absent_leaves_the_key_free": [
        "NewEntriesClaimFirst"
    ],
    "test_touch_sets_the_time_and_nothing_else": ["TouchDoesNothing", "UndeclaredWorks"],
    "test_touch_of_a_missing_entry_makes_none": ["TouchMakesEntries", "DeclaredDoesNotWork"],
    "test_totals_follow_what_is_put_and_deleted": ["CountsOnlyItsOwn", "UndeclaredWorks"],
    "test_what_was_not_used_for_longest_comes_first": ["OrdersByKey", "DeclaredDoesNotWork"],
    "test_entries_may_be_deleted_in_the_order_of_use": ["OrdersByPosition"],
    "test_get_many_gives_what_get_gives_one_after_the_other": [
        "ManyComeInAnyOrder",
        "ManyAreThoseThatAreThere",
    ],
    "test_get_many_of_nothing_is_nothing": ["ManyIsNeverNone"],
    "test_get_many_refuses_what_is_no_key": ["ManyTakesAnyKey"],
    "test_a_name_is_locked_by_one_at_a_time": [
        "LocksLetEverybodyIn",
        "DeclaredDoesNotWork",
        "UndeclaredWorks",
    ],
    "test_other_names_may_be_locked_meanwhile": ["LocksAreOne"],
    "test_a_lock_is_no_entry_and_an_entry_no_lock": ["LocksAreEntries"],
    "test_of_many_threads_each_waits_for_its_turn": ["LocksLetEverybodyIn"],
    "test_a_name_is_locked_for_other_processes_too": ["LocksAreThisProcesss"],
    "test_who_waits_has_the_lock_of_a_process_that_is_killed": ["LocksOutliveTheirHolder"],
    "test_of_several_processes_memory_has_one_compute": ["LocksLetEverybodyIn"],
    "test_memory_replaces_a_process_that_is_killed_while_it_computes": ["LocksAreThisProcesss"],
    "test_a_local_path_is_a_file_of_just_the_bytes": ["LocalPathsHaveAHeader", "UndeclaredWorks"],
    "test_a_missing_entry_has_no_local_path": ["LocalPathsWithoutEntry", "DeclaredDoesNotWork"],
    "test_a_mapped_entry_keeps_its_bytes_when_it_is_replaced_or_deleted": ["MappedFilesChange"],
    "test_a_second_instance_sees_the_same_entries": ["KeepsThePieces", "ReadsAreStale"],
    "test_a_new_store_is_another_location": ["SharesOneLocation"],
    "test_a_pickled_store_is_the_same_store": ["CannotBePickled", "PicklesToAnotherLocation"],
    "test_a_pickled_store_works_in_another_process": ["OnlyWorksWhereItWasMade"],
    "test_a_closed_store_may_be_used_again": ["ClosesForGood"],
    "test_closing_one_instance_does_not_disturb_another": ["ClosesForEverybody"],
    "test_many_threads_may_use_one_instance": ["ThreadsShareOneBuffer"],
    "test_puts_and_deletes_side_by_side_do_not_disturb_each_other": ["DirectoriesFightWriters"],
    "test_of_many_deletes_of_one_entry_one_says_it_was_there": ["DeleteNeverSaysYes"],
    "test_a_reader_in_the_middle_of_a_put_sees_what_was_there": [
        "WritesInPlace",
        "DeletesBeforeItPuts",
        "ListsUnfinishedWork",
    ],
    "test_readers_see_whole_values_while_writers_replace_them": ["DeletesBeforeItPuts"],
    "test_memory_finds_what_another_memory_has_kept": ["DoesNothing", "MissingIsEmpty"],
    "test_memory_computes_again_what_was_damaged": ["DoesNothing"],
    "test_memory_removes_its_results_and_nothing_else": ["DeleteDoesNothing", "DeletesTheFolder"],
    "test_a_writer_killed_in_the_middle_of_a_put_leaves_what_was_there": [
        "WritesInPlace",
        "ListsUnfinishedWork",
    ],
    "test_a_writer_killed_at_any_moment_leaves_a_whole_value": ["ListsAMissingEntry"],
}

MACHINE = "test_the_store_behaves_like_a_dict"
CAUGHT_BY_MACHINE = ["RangesAreOffByOne", "ReadsAreStale"]

BROKEN = [(check, store) for check, stores in CAUGHT_BY.items() for store in stores]
BROKEN += [(MACHINE, store) for store in CAUGHT_BY_MACHINE]

MODULES = [Path(__file__).with_name(f"{name}.py") for name in ("broken_stores", "broken_places")]
SUITES = """
import broken_places
import broken_stores
from fanfold.contracts import Store
from fanfold.testing import StoreConformance
from hypothesis import Phase, settings

# Finding the shortest history takes most of the time, and is not the point here.
settings.register_profile("quick", phases=[Phase.generate])
settings.load_profile("quick")

def suite(store, **members):
    # A broken one takes more histories to be found.
    members |= {"examples": 20} if store in (broken_stores.Sound, broken_stores.Minimal) else {}
    members = {"make_store": lambda self, directory: store(directory), **members}
    return type("Test" + store.__name__, (StoreConformance,), members)

kinds = {**vars(broken_stores), **vars(broken_places)}.values()
stores = [kind for kind in kinds if isinstance(kind, type)]
globals().update(
    {f"Test{store.__name__}": suite(store) for store in stores if issubclass(store, Store)}
)

LINK = "https://example.org/1"
A_CHECK = "test_a_missing_entry_is_none"
A_CASE = "test_a_range_gives_what_a_slice_gives[7-7]"

TestKnown = suite(broken_stores.MissingIsEmpty, known_failures={A_CHECK: LINK})
TestOneCaseKnown = suite(broken_stores.RangesAreOffByOne, known_failures={A_CASE: LINK})
TestKnownAndPassing = suite(broken_stores.Sound, known_failures={A_CHECK: LINK})
TestMisspelt = suite(broken_stores.Sound, known_failures={"test_a_mising_entry_is_none": LINK})
TestReplaces = suite(broken_stores.MissingIsEmpty, **{A_CHECK: lambda self: None})
TestRemoves = suite(broken_stores.MissingIsEmpty, **{A_CHECK: None})

class TestNothing(StoreConformance):
    pass
"""
A_CHECK = "test_a_missing_entry_is_none"
OF_RANGES = "test_a_range_gives_what_a_slice_gives"
OF_KNOWN_FAILURES = "test_known_failures_are_checks_of_the_suite"
OF_CHECKS = "test_checks_are_the_suites_own"
OTHERS = [
    f"TestKnown::{A_CHECK}",
    f"TestOneCaseKnown::{OF_RANGES}[7-7]",
    f"TestOneCaseKnown::{OF_RANGES}[0-None]",
    f"TestKnownAndPassing::{A_CHECK}",
    f"TestMisspelt::{OF_KNOWN_FAILURES}",
    f"TestReplaces::{OF_CHECKS}",
    f"TestRemoves::{OF_CHECKS}",
    f"TestNothing::{A_CHECK}",
]


@pytest.fixture(scope="module")
def report(run_suites: Callable[..., Report]) -> Report:
    broken = [f"Test{store}::{check}" for check, store in BROKEN]
    return run_suites(SUITES, MODULES, [*broken, *OTHERS, "TestSound", "TestMinimal"])


def checks() -> list[str]:
    return [name for name in dir(StoreConformance) if name.startswith("test_")]


def test_every_check_is_tried_on_a_broken_store() -> None:
    assert sorted([*CAUGHT_BY, MACHINE]) == checks()


@pytest.mark.parametrize(("check", "store"), BROKEN)
def test_a_broken_store_fails_the_check_of_what_is_broken(
    report: Report, check: str, store: str
) -> None:
    hows = report.hows(f"Test{store}", check)

    assert "failure" in hows
    assert "error" not in hows


@pytest.mark.parametrize("store", ["Sound", "Minimal"])
def test_a_sound_store_passes_every_check(report: Report, store: str) -> None:
    not_passed = [check for check in checks() if report.hows(f"Test{store}", check) != {"passed"}]

    assert not_passed == []


def test_a_capability_that_is_not_declared_takes_no_check_away(report: Report) -> None:
    assert report.cases("TestMinimal") == report.cases("TestSound")


def test_a_known_failure_is_expected(report: Report) -> None:
    [end] = report.of("TestKnown", A_CHECK)

    assert end.how == "xfail"
    assert "https://example.org/1" in end.text


def test_one_case_of_a_check_may_be_a_known_failure(report: Report) -> None:
    hows = {end.case: end.how for end in report.of("TestOneCaseKnown", OF_RANGES)}

    assert hows == {f"{OF_RANGES}[7-7]": "xfail", f"{OF_RANGES}[0-None]": "passed"}


def test_a_known_failure_that_passes_is_a_failure(report: Report) -> None:
    [end] = report.of("TestKnownAndPassing", A_CHECK)

    assert end.how == "failure"
    assert "XPASS(strict)" in end.text


def test_a_known_failure_that_is_no_check_is_a_failure(report: Report) -> None:
    [end] = report.of("TestMisspelt", OF_KNOWN_FAILURES)

    assert end.how == "failure"
    assert "test_a_mising_entry_is_none" in end.text


@pytest.mark.parametrize("suite", ["TestReplaces", "TestRemoves"])
def test_a_check_that_is_replaced_is_reported(report: Report, suite: str) -> None:
    [end] = report.of(suite, OF_CHECKS)

    assert end.how == "xfail"
    assert f"replaces checks of StoreConformance: {A_CHECK}" in end.text


def test_a_suite_without_a_store_says_what_to_override(report: Report) -> None:
    [end] = report.of("TestNothing", A_CHECK)

    assert "TestNothing has to override make_store" in end.text
