"""The suite of stores catches stores that are broken on purpose, and passes those that are not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from fanfold.testing import StoreConformance

pytest_plugins = ["pytester"]

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

SUITE = """
import pytest
from fanfold.testing import StoreConformance
import broken_stores

class TestStore(StoreConformance):
    {body}

    def make_store(self, directory):
        return broken_stores.{store}(directory)
"""


@pytest.fixture
def run(pytester: pytest.Pytester) -> Runner:
    return Runner(pytester)


class Runner:
    """Runs the suite, or some of it, for a store."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        pytester.syspathinsert()
        shutil.copy(Path(__file__).with_name("broken_stores.py"), pytester.path)

    def __call__(
        self, store: str, *checks: str, body: str = "pass", in_process: bool = True
    ) -> dict[str, int]:
        self._pytester.makepyfile(test_store=SUITE.format(store=store, body=body))
        chosen = [f"test_store.py::TestStore::{check}" for check in checks] or ["test_store.py"]
        run = (
            self._pytester.runpytest_inprocess
            if in_process
            else self._pytester.runpytest_subprocess
        )
        self.result = run("-ra", "-p", "no:cacheprovider", *chosen)
        return self.result.parseoutcomes()

    @property
    def output(self) -> str:
        return self.result.stdout.str()


def checks() -> list[str]:
    return [name for name in dir(StoreConformance) if name.startswith("test_")]


def test_every_check_is_tried_on_a_broken_store() -> None:
    assert sorted([*CAUGHT_BY, MACHINE]) == checks()


@pytest.mark.parametrize(
    ("check", "store"),
    [(check, store) for check, stores in CAUGHT_BY.items() for store in stores],
)
def test_a_broken_store_fails_the_check_of_what_is_broken(
    run: Runner, check: str, store: str
) -> None:
    outcomes = run(store, check)

    assert outcomes.get("failed", 0) > 0
    assert "errors" not in outcomes


@pytest.mark.parametrize("store", CAUGHT_BY_MACHINE)
def test_a_broken_store_differs_from_a_dict(
    run: Runner, pytester: pytest.Pytester, store: str
) -> None:
    # Finding the shortest history takes most of the time, and is not the point here. The profile
    # would stay in this process.
    pytester.makeconftest(
        """
        from hypothesis import Phase, settings

        settings.register_profile("quick", phases=[Phase.generate])
        settings.load_profile("quick")
        """
    )

    assert run(store, MACHINE, in_process=False) == {"failed": 1}


@pytest.mark.parametrize("store", ["Sound", "Minimal"])
def test_a_sound_store_passes_every_check(run: Runner, store: str) -> None:
    outcomes = run(store, body="examples = 20")

    assert set(outcomes) == {"passed"}


def test_a_capability_that_is_not_declared_takes_no_check_away(run: Runner) -> None:
    assert run("Minimal", "--collect-only") == run("Sound", "--collect-only")


def test_a_known_failure_is_expected(run: Runner) -> None:
    known = 'known_failures = {"test_a_missing_entry_is_none": "https://example.org/1"}'

    outcomes = run("MissingIsEmpty", "test_a_missing_entry_is_none", body=known)

    assert outcomes == {"xfailed": 1}
    assert "https://example.org/1" in run.output


def test_one_case_of_a_check_may_be_a_known_failure(run: Runner) -> None:
    check = "test_a_range_gives_what_a_slice_gives"
    known = f'known_failures = {{"{check}[7-7]": "https://example.org/1"}}'

    outcomes = run("RangesAreOffByOne", f"{check}[7-7]", f"{check}[0-None]", body=known)

    assert outcomes == {"xfailed": 1, "passed": 1}


def test_a_known_failure_that_passes_is_a_failure(run: Runner) -> None:
    known = 'known_failures = {"test_a_missing_entry_is_none": "https://example.org/1"}'

    assert run("Sound", "test_a_missing_entry_is_none", body=known) == {"failed": 1}


def test_a_known_failure_that_is_no_check_is_a_failure(run: Runner) -> None:
    known = 'known_failures = {"test_a_mising_entry_is_none": "https://example.org/1"}'

    outcomes = run("Sound", "test_known_failures_are_checks_of_the_suite", body=known)

    assert outcomes == {"failed": 1}
    assert "test_a_mising_entry_is_none" in run.output


@pytest.mark.parametrize(
    "body",
    ["def test_a_missing_entry_is_none(self): pass", "test_a_missing_entry_is_none = None"],
    ids=["replaced", "removed"],
)
def test_a_check_that_is_replaced_is_reported(run: Runner, body: str) -> None:
    outcomes = run("MissingIsEmpty", "test_checks_are_the_suites_own", body=body)

    assert outcomes == {"xfailed": 1}
    assert "replaces checks of StoreConformance: test_a_missing_entry_is_none" in run.output


def test_a_suite_without_a_store_says_what_to_override(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_nothing="""
        from fanfold.testing import StoreConformance

        class TestNothing(StoreConformance):
            pass
        """
    )

    result = pytester.runpytest_inprocess("-k", "test_a_missing_entry_is_none")

    result.stdout.fnmatch_lines(["*TestNothing has to override make_store*"])
