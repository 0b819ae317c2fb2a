"""Logging: the caller's levels hold in tasks, and their records come to its loggers."""

import io
import logging
import os
import sys
import threading

import pytest
from fanfold import Parallel, delayed

logger = logging.getLogger("fanfold_tests.travel")


def log(i, level=logging.INFO):
    logger.log(level, "task %d logs", i)
    return os.getpid()


def run(backend, function, arguments, **options):
    return Parallel(n_jobs=2, backend=backend, **options)(
        delayed(function)(argument) for argument in arguments
    )


def test_records_come_to_the_callers_handlers(backend, caplog):
    with caplog.at_level(logging.INFO, logger.name):
        run(backend, log, range(3))
    assert sorted(caplog.messages) == [f"task {i} logs" for i in range(3)]


def test_levels_of_the_caller_hold(backend, caplog):
    run(backend, log, range(3))
    assert caplog.messages == []


def test_they_hold_for_each_call_anew(backend, caplog):
    for level, count in ((logging.DEBUG, 1), (logging.WARNING, 0), (logging.DEBUG, 1)):
        caplog.clear()
        with caplog.at_level(level, logger.name):
            run(backend, log, range(1))
        assert len(caplog.messages) == count


def test_so_do_loggers_that_are_disabled(backend, caplog):
    logger.disabled = True
    try:
        run(backend, warn_by_log, range(2))
    finally:
        logger.disabled = False
    assert caplog.messages == []


def test_so_does_the_level_that_is_disabled_for_all(backend, caplog):
    logging.disable(logging.ERROR)
    try:
        run(backend, warn_by_log, range(2))
    finally:
        logging.disable(logging.NOTSET)
    assert caplog.messages == []


def warn_by_log(_):
    logger.warning("heard")


def test_records_name_their_task_and_worker(caplog):
    with caplog.at_level(logging.INFO, logger.name):
        pids = run("processes", log, range(20), batch_size=4)
    told = {record.args[0]: record for record in caplog.records}
    assert [told[i].fanfold_task for i in range(20)] == list(range(20))
    assert [told[i].fanfold_worker for i in range(20)] == pids


def test_records_arrive_while_the_task_runs(tmp_path):
    class Arrival(logging.Handler):
        def emit(self, record):
            (tmp_path / "arrived").touch()

    def wait_for_arrival():
        import time

        logging.getLogger("fanfold_tests.early").error("here I am")
        deadline = time.monotonic() + 100
        while not (tmp_path / "arrived").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    early = logging.getLogger("fanfold_tests.early")
    early.addHandler(handler := Arrival())
    try:
        Parallel(n_jobs=2, backend="processes")([delayed(wait_for_arrival)()])
    finally:
        early.removeHandler(handler)


def test_records_keep_their_exception_extras_and_level_name(backend, caplog):
    logging.addLevelName(25, "NOTICE")

    def task():
        try:
            raise ValueError("no good")
        except ValueError:
            logger.log(25, "failed", exc_info=True, extra={"city": "Lyon"})

    with caplog.at_level(logging.INFO, logger.name):
        Parallel(n_jobs=2, backend=backend)([delayed(task)()])
    [record] = caplog.records
    assert (record.city, record.levelname) == ("Lyon", "NOTICE")
    assert "ValueError: no good" in caplog.text


def test_what_cannot_be_pickled_comes_as_text(caplog):
    def task():
        lock = threading.Lock()
        logger.error("a %s", lock, extra={"lock": lock})

    Parallel(n_jobs=2, backend="processes")([delayed(task)()])
    [record] = caplog.records
    assert "a <unlocked _thread.lock" in record.getMessage()
    assert record.lock.startswith("<unlocked")


def test_a_format_that_does_not_fit_is_the_handlers_matter(capsys):
    formatting = logging.getLogger("fanfold_tests.formatting")
    formatting.addHandler(handler := logging.StreamHandler(io.StringIO()))
    formatting.propagate = False

    def task():
        logging.getLogger("fanfold_tests.formatting").error("%d", object())
        return "went on"

    try:
        assert Parallel(n_jobs=2, backend="processes")([delayed(task)()]) == ["went on"]
    finally:
        formatting.removeHandler(handler)
        formatting.propagate = True
    assert "--- Logging error ---" in capsys.readouterr().err


def test_a_handler_that_fails_does_not_disturb_the_call(caplog):
    class Broken(logging.Filter):
        def filter(self, record):
            raise OSError("disk full")

    broken = logging.getLogger("fanfold_tests.broken")
    broken.addFilter(filter_ := Broken())

    def task():
        logging.getLogger("fanfold_tests.broken").error("lost")
        return 1

    try:
        assert Parallel(n_jobs=2, backend="processes")([delayed(task)()]) == [1]
    finally:
        broken.removeFilter(filter_)
    [record] = caplog.records
    assert "log record could not be delivered" in record.getMessage()
    assert "disk full" in record.exc_text


def test_a_tasks_own_handlers_work(tmp_path):
    def task():
        own = logging.getLogger("fanfold_tests.own")
        handler = logging.FileHandler(tmp_path / "own.log")
        own.addHandler(handler)
        own.error("to the file")
        own.removeHandler(handler)
        handler.close()

    Parallel(n_jobs=2, backend="processes")([delayed(task)()])
    assert (tmp_path / "own.log").read_text() == "to the file\n"


def test_a_console_handler_of_the_worker_does_not_repeat_what_the_caller_shows(caplog, capsys):
    def task():
        own = logging.getLogger("fanfold_tests.console")
        handler = logging.StreamHandler(sys.stderr)
        own.addHandler(handler)
        own.error("once")
        own.removeHandler(handler)

    Parallel(n_jobs=2, backend="processes")([delayed(task)()])
    assert caplog.messages == ["once"]
    assert "once" not in capsys.readouterr().err


CONSOLE = """
{setup}
from fanfold import Parallel, delayed
def task():
    import logging
    {within}
    logging.getLogger("a").info("quiet")
    logging.getLogger("a").warning("loud")
Parallel(n_jobs=2)([delayed(task)()])
"""


@pytest.mark.parametrize(
    ("setup", "within", "shown"),
    [
        ("", "pass", ["loud"]),
        ("import logging", "pass", ["loud"]),
        (
            "import logging",
            "logging.basicConfig(level=20)",
            ["INFO:a:quiet", "WARNING:a:loud", "loud"],
        ),
        (
            "import logging; logging.basicConfig(level=20)",
            "pass",
            ["INFO:a:quiet", "WARNING:a:loud"],
        ),
    ],
    ids=["nobody asked", "imported", "configured in the task", "configured by the caller"],
)
def test_what_a_script_shows(run_script, setup, within, shown):
    done = run_script(CONSOLE.format(setup=setup, within=within))
    assert sorted(done.stderr.splitlines()) == sorted(shown)


def test_workers_import_logging_only_if_the_caller_did(run_script):
    source = """
import sys
from fanfold import Parallel, delayed
def worker_has_it():
    return Parallel(n_jobs=2)([delayed(eval)("'logging' in __import__('sys').modules")])
print("logging" in sys.modules, worker_has_it())
import logging
print(worker_has_it())
"""
    assert run_script(source).stdout.splitlines() == ["False [False]", "[True]"]
