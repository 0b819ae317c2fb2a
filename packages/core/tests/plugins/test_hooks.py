"""Observers hear of events, and can disturb nothing."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import textwrap
import threading
import types
from concurrent.futures import ThreadPoolExecutor

import fanfold.plugins
import pytest
from fanfold.contracts.hooks import hookimpl
from fanfold.errors import BrokenPluginError, InvalidArgumentError, UnknownPluginError
from fanfold.plugins import HookCaller

FINISHED = {"call_id": 7, "n_tasks": 3, "seconds": 0.5, "error": None}


class Listener:
    def __init__(self):
        self.heard = []

    @hookimpl
    def fanfold_call_finished(self, call_id, n_tasks):
        self.heard.append((call_id, n_tasks))


class Faulty:
    @hookimpl
    def fanfold_call_finished(self):
        raise RuntimeError("the observer's own fault")


def run_python(source: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", source],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def runs_anywhere(function: str) -> bool:
    """Return whether a thread is in a function right now, itself and not what it calls."""
    return any(frame.f_code.co_name == function for frame in sys._current_frames().values())


@pytest.fixture
def hooks(monkeypatch):
    monkeypatch.delenv("FANFOLD_HOOKS", raising=False)
    return HookCaller()


def test_nobody_observes_at_first(hooks):
    assert hooks.active() is None
    hooks.notify("fanfold_call_finished", **FINISHED)


def test_an_observer_hears_with_the_arguments_it_names(hooks):
    listener = Listener()

    hooks.register(listener)
    hooks.notify("fanfold_call_finished", **FINISHED)

    assert listener.heard == [(7, 3)]


def test_a_module_may_observe(hooks, install):
    install(
        "module-observer",
        "1.0",
        {},
        {
            "module_observer": """
                from fanfold.contracts.hooks import hookimpl

                heard = []

                @hookimpl
                def fanfold_call_finished(call_id):
                    heard.append(call_id)
            """
        },
    )
    import module_observer

    hooks.register(module_observer)
    hooks.notify("fanfold_call_finished", **FINISHED)

    assert module_observer.heard == [7]


def test_an_observer_hears_nothing_once_unregistered(hooks):
    gone, stays = Listener(), Listener()
    hooks.register(gone)
    hooks.register(stays)

    hooks.unregister(gone)
    hooks.notify("fanfold_call_finished", **FINISHED)

    assert gone.heard == []
    assert stays.heard == [(7, 3)]


def test_nobody_observes_once_the_last_is_unregistered(hooks):
    listener = Listener()
    hooks.register(listener)

    hooks.unregister(listener)

    assert hooks.active() is None


def test_a_faulty_observer_is_logged_and_disturbs_nobody(hooks, caplog):
    before, after = Listener(), Listener()
    for observer in (before, Faulty(), after):
        hooks.register(observer)

    with caplog.at_level(logging.ERROR, logger="fanfold.hooks"):
        hooks.notify("fanfold_call_finished", **FINISHED)

    assert before.heard == after.heard == [(7, 3)]
    [record] = caplog.records
    assert "Faulty" in record.getMessage()
    assert "fanfold_call_finished" in record.getMessage()
    assert "the observer's own fault" in caplog.text
    assert record.exc_info is not None


def test_an_interruption_in_an_observer_gets_through(hooks):
    class Interrupted:
        @hookimpl
        def fanfold_call_finished(self):
            raise KeyboardInterrupt

    hooks.register(Interrupted())

    with pytest.raises(KeyboardInterrupt):
        hooks.notify("fanfold_call_finished", **FINISHED)


def test_a_misspelt_hook_gets_the_nearest_name(hooks):
    class Misspelt:
        @hookimpl
        def fanfold_call_finnished(self):
            pass

    with pytest.raises(InvalidArgumentError) as caught:
        hooks.register(Misspelt())

    assert "Misspelt" in str(caught.value)
    assert "'fanfold_call_finnished', which is not a hook" in str(caught.value)
    assert "did you mean 'fanfold_call_finished'?" in str(caught.value)
    assert hooks.active() is None


def test_an_unknown_argument_is_refused(hooks):
    class Curious:
        @hookimpl
        def fanfold_call_finished(self, weather):
            pass

    with pytest.raises(InvalidArgumentError) as caught:
        hooks.register(Curious())

    assert "fanfold_call_finished" in str(caught.value)
    assert "weather" in str(caught.value)
    assert caught.value.__cause__ is not None
    assert hooks.active() is None


def test_an_observer_without_hooks_is_refused(hooks):
    class Deaf:
        def fanfold_call_finished(self):
            pass

    with pytest.raises(InvalidArgumentError, match="hookimpl, so it would be told nothing"):
        hooks.register(Deaf())


def test_a_class_is_refused(hooks):
    with pytest.raises(InvalidArgumentError, match="register an instance"):
        hooks.register(Listener)


def test_an_observer_is_registered_once(hooks):
    listener = Listener()
    hooks.register(listener)

    with pytest.raises(InvalidArgumentError, match="is registered already"):
        hooks.register(listener)


def test_unregistering_a_stranger_is_refused(hooks):
    with pytest.raises(InvalidArgumentError, match="nobody observes"):
        hooks.unregister(Listener())

    hooks.register(Listener())
    with pytest.raises(InvalidArgumentError, match=r"is not registered; registered: .*Listener"):
        hooks.unregister(Listener())


class TestEnvironment:
    SOURCE = """
        from fanfold.contracts.hooks import hookimpl

        class Listener:
            heard = 0

            @hookimpl
            def fanfold_call_finished(self, n_tasks):
                Listener.heard += n_tasks

        listener = Listener()
    """

    def test_the_observers_it_names_are_put_to_work(self, hooks, install, monkeypatch):
        install(
            "env-observers",
            "1.0",
            {"fanfold.hooks.v1": ["one = env_one:listener", "two = env_two:listener"]},
            {"env_one": self.SOURCE, "env_two": self.SOURCE},
        )
        monkeypatch.setenv("FANFOLD_HOOKS", "one, two,")

        hooks.notify("fanfold_call_finished", **FINISHED)
        hooks.notify("fanfold_call_finished", **FINISHED)

        assert sys.modules["env_one"].Listener.heard == 6
        assert sys.modules["env_two"].Listener.heard == 6

    def test_an_unknown_name_is_told_at_each_use(self, hooks, monkeypatch):
        monkeypatch.setenv("FANFOLD_HOOKS", "nobody")

        for _ in range(2):
            with pytest.raises(UnknownPluginError, match="there is no observer 'nobody'"):
                hooks.active()

    def test_a_broken_observer_is_named(self, hooks, install, monkeypatch):
        install(
            "env-broken",
            "3.1",
            {"fanfold.hooks.v1": ["broken = env_broken:listener"]},
            {"env_broken": "1 / 0"},
        )
        monkeypatch.setenv("FANFOLD_HOOKS", "broken")

        with pytest.raises(BrokenPluginError, match=r"of env-broken 3\.1 raised ZeroDivisionError"):
            hooks.active()

    def test_two_threads_that_ask_at_once_put_each_to_work_once(self, hooks, install, monkeypatch):
        install(
            "env-slow",
            "1.0",
            {"fanfold.hooks.v1": ["slow = env_slow:listener"]},
            {"env_slow": "import env_gate\nenv_gate.pause()\n" + textwrap.dedent(self.SOURCE)},
        )
        importing, go_on = threading.Event(), threading.Event()
        gate = types.ModuleType("env_gate")
        gate.pause = lambda: (importing.set(), go_on.wait(60))
        monkeypatch.setitem(sys.modules, "env_gate", gate)
        monkeypatch.setenv("FANFOLD_HOOKS", "slow")

        with ThreadPoolExecutor(2) as threads:
            first = threads.submit(hooks.notify, "fanfold_call_finished", **FINISHED)
            assert importing.wait(60)
            second = threads.submit(hooks.notify, "fanfold_call_finished", **FINISHED)
            while not runs_anywhere("_read_environment"):
                pass  # until the second thread has asked, and waits for the first
            go_on.set()
            first.result()
            second.result()

        assert sys.modules["env_slow"].Listener.heard == 6

    def test_an_observer_may_register_others_while_it_is_imported(self, install):
        site = install(
            "env-nesting",
            "1.0",
            {"fanfold.hooks.v1": ["nesting = env_nesting:listener"]},
            {
                "env_nesting": """
                    from fanfold.contracts.hooks import hookimpl
                    from fanfold.plugins import register_hooks

                    class Printer:
                        def __init__(self, name):
                            self.name = name

                        @hookimpl
                        def fanfold_call_finished(self):
                            print(self.name)

                    register_hooks(Printer("inner"))
                    listener = Printer("outer")
                """
            },
        )
        source = (
            "from fanfold.plugins import hooks\n"
            f"hooks.notify('fanfold_call_finished', **{FINISHED})"
        )

        done = run_python(source, PYTHONPATH=str(site), FANFOLD_HOOKS="nesting")

        assert done.stdout.split() == ["inner", "outer"], done.stderr


def test_the_question_imports_no_pluggy():
    source = (
        "import sys\n"
        "from fanfold.plugins import hooks\n"
        "print(hooks.active(), 'pluggy' in sys.modules)"
    )

    done = run_python(source, FANFOLD_HOOKS="")

    assert done.stdout == "None False\n", done.stderr


def test_the_functions_of_the_package_serve_the_whole_process():
    listener = Listener()

    fanfold.plugins.register_hooks(listener)
    try:
        fanfold.plugins.hooks.notify("fanfold_call_finished", **FINISHED)
    finally:
        fanfold.plugins.unregister_hooks(listener)

    assert listener.heard == [(7, 3)]
