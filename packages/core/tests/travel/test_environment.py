"""Environment variables: what changed since a worker was started reaches it."""

import os

import pytest
from fanfold import Parallel, delayed
from fanfold.backends.processes import ProcessesBackend


@pytest.fixture(autouse=True)
def _workers_from_before(monkeypatch):
    """Have workers that were started before the test changes anything."""
    ProcessesBackend().close()
    monkeypatch.setenv("THERE_BEFORE", "old")
    in_workers("THERE_BEFORE")


def in_workers(name):
    run = Parallel(n_jobs=2, backend="processes", batch_size=1)
    return set(run(delayed(os.getenv)(name) for _ in range(8)))


def test_what_is_set_is_set_there(monkeypatch):
    monkeypatch.setenv("NEW_ONE", "value = ü")
    assert in_workers("NEW_ONE") == {"value = ü"}


def test_what_changes_changes_there(monkeypatch):
    monkeypatch.setenv("THERE_BEFORE", "new")
    assert in_workers("THERE_BEFORE") == {"new"}
    monkeypatch.setenv("THERE_BEFORE", "newer")
    assert in_workers("THERE_BEFORE") == {"newer"}


def test_what_is_removed_is_removed_there(monkeypatch):
    monkeypatch.delenv("THERE_BEFORE")
    assert in_workers("THERE_BEFORE") == {None}


def test_programs_that_tasks_start_inherit_it(monkeypatch):
    import subprocess

    monkeypatch.setenv("NEW_ONE", "inherited")
    run = Parallel(n_jobs=2, backend="processes")
    assert run([delayed(subprocess.check_output)(["printenv", "NEW_ONE"])]) == [b"inherited\n"]


def test_observers_stay_with_the_parent(monkeypatch):
    monkeypatch.setenv("FANFOLD_HOOKS", "")
    assert in_workers("FANFOLD_HOOKS") == {None}


def test_what_workers_were_given_of_their_own_stays(monkeypatch):
    # As when a program leaves a block that limited the threads: other workers are taken for that.
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    [given] = in_workers("OPENBLAS_NUM_THREADS")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    [while_set] = in_workers("OPENBLAS_NUM_THREADS")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    monkeypatch.setenv("NEW_ONE", "changed too")
    assert (while_set, in_workers("OPENBLAS_NUM_THREADS")) == ("7", {given})
