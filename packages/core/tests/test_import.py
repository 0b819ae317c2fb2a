"""What importing costs, and what it gives."""

import pickle
import subprocess
import sys

import fanfold
import pytest
from fanfold import errors
from fanfold.backends import processes

HEAVY = (
    "numpy",
    "pluggy",
    "importlib.metadata",
    "multiprocessing",
    "asyncio",
    "cloudpickle",
    "rich",
)


def modules_after(code):
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import fanfold",
        "from fanfold import Parallel, delayed, parallel_config",
        "from fanfold import Memory",
        "from fanfold import dump, load, hash",
        "from fanfold import Parallel, delayed; Parallel(n_jobs=2)([delayed(abs)(-1)])",
    ],
)
def test_nothing_heavy_is_imported(code):
    # Coverage measurement imports some of these itself.
    assert not (modules_after(code) - modules_after("pass")) & set(HEAVY)


def test_a_worker_imports_next_to_nothing():
    code = """
from fanfold import Parallel, delayed
def loaded():
    import sys
    return [name for name in sys.modules if name.startswith("fanfold")]
print(*Parallel(n_jobs=2)([delayed(loaded)()])[0])
raise SystemExit
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {
        "fanfold",
        "fanfold._buffers",
        "fanfold._nesting",
        "fanfold.tasks.known_objects",
        "fanfold.tasks.terms",
        "fanfold.backends.processes.borrowing",
        "fanfold.backends.processes.exchange",
        "fanfold.backends.processes.handover",
        "fanfold.backends.processes.messages",
        "fanfold.backends",
        "fanfold.backends.processes",
        "fanfold.backends.processes.board",
        "fanfold.backends.processes.channel",
        "fanfold.backends.processes.gate",
        "fanfold.backends.processes.journal",
        "fanfold.backends.processes.outlet",
        "fanfold.backends.processes.output",
        "fanfold.backends.processes.worker",
        "fanfold.tasks",
        "fanfold.tasks.pickling",
        "fanfold.tasks.running",
        "fanfold.tasks.travel",
        "fanfold.tasks.travel.filters",
        "fanfold.tasks.travel.holding",
        "fanfold.tasks.travel.luggage",
        "fanfold.tasks.travel.origin",
        "fanfold.tasks.travel.reports",
        "fanfold.tasks.travel.shown_warnings",
    }


def test_every_public_name_is_there():
    for name in fanfold.__all__:
        assert getattr(fanfold, name) is not None
    assert set(fanfold.__all__) <= set(dir(fanfold))


def test_the_version_is_that_of_the_distribution():
    from importlib.metadata import version

    assert fanfold.__version__ == version("fanfold")


@pytest.mark.parametrize("module", [fanfold, errors, processes], ids=str)
def test_what_is_not_there_is_an_attribute_error(module):
    with pytest.raises(AttributeError, match="nonsense"):
        _ = module.nonsense


def test_errors_are_what_joblib_users_catch():
    import multiprocessing
    from concurrent.futures.process import BrokenProcessPool

    assert issubclass(errors.TaskTimeoutError, multiprocessing.TimeoutError | TimeoutError)
    assert issubclass(errors.TaskTimeoutError, TimeoutError)
    assert issubclass(errors.WorkerLostError, BrokenProcessPool)
    assert issubclass(errors.UnpicklableTaskError, pickle.PicklingError)
    assert issubclass(errors.UnknownPluginError, ValueError)
    assert issubclass(errors.CacheMissError, KeyError)


def test_every_error_is_a_fanfold_error():
    for name in errors.__all__:
        kind = getattr(errors, name)
        assert issubclass(kind, errors.FanfoldError | errors.FanfoldWarning)


def test_a_lost_worker_keeps_its_details_when_pickled():
    error = errors.WorkerLostError("gone", task_index=3, exit_code=-9)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.task_index, copy.exit_code) == ("gone", 3, -9)


def test_a_cache_miss_shows_its_message_plainly():
    assert str(errors.CacheMissError("no entry")) == "no entry"
    assert str(errors.CacheMissError()) == ""
