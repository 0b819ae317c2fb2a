"""The commands ``fanfold plugins`` and ``fanfold doctor``.

They import every plugin that is installed, and importing Dask changes how a process pickles
exceptions. So each runs in a process of its own, once for all tests that look at what it printed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import fanfold
import pytest
from fanfold.cli import main

SITES = {
    "acme-good": (
        "1.5",
        "fanfold.backends.v1",
        "acme-good",
        """
from fanfold.contracts import Backend

class Plugin(Backend):
    name = "acme-good"
    effective_n_jobs = executor = lambda self, request: 1
""",
    ),
    "acme-broken": ("2.5", "fanfold.backends.v1", "acme-broken", "import nowhere_to_be_found"),
    "acme-new": ("3.5", "fanfold.stores.v2", "acme-new", "Plugin = None"),
    "acme-thief": ("4.5", "fanfold.backends.v1", "threads", "Plugin = None"),
    "acme-deaf": ("5.5", "fanfold.hooks.v1", "acme-deaf", "Plugin = object()"),
    "acme-watch": (
        "6.5",
        "fanfold.hooks.v1",
        "acme-watch",
        """
import sys

from fanfold.contracts.hooks import hookimpl

@hookimpl
def fanfold_call_started(call_id): ...

Plugin = sys.modules[__name__]
""",
    ),
}


def run_command(*arguments, before="", options=(), path=(), **environment):
    """Run a command of fanfold, after some lines of Python, and return the finished process."""
    program = f"{before}\nimport sys; from fanfold.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, *options, "-c", program, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path)), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def run_bare(*arguments, before="", path=()):
    """Run a command where nothing can be imported but fanfold's own source and what is given."""
    source = Path(fanfold.__file__).parents[1]
    return run_command(*arguments, before=before, options=["-S"], path=[source, *path])


def findings_in(done):
    return {finding["check"]: finding for finding in json.loads(done.stdout)}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Distributions of every fate, as pip would have installed them."""
    folder = tmp_path_factory.mktemp("site")
    for distribution, (release, group, name, source) in SITES.items():
        module = distribution.replace("-", "_")
        metadata = folder / f"{module}-{release}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {release}\n"
        )
        (metadata / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}:Plugin\n")
        (folder / f"{module}.py").write_text(source)
    return folder


@pytest.fixture(scope="module")
def reports(site):
    done = run_command("plugins", "--json", path=[site])
    assert done.returncode == 0, done.stderr
    reports = json.loads(done.stdout)
    return {(one["kind"], one["name"], one["distribution"]): one for one in reports}


class TestPlugins:
    @pytest.mark.parametrize(
        ("kind", "name"), [("backend", "processes"), ("backend", "loky"), ("store", "local")]
    )
    def test_built_in_names_work(self, reports, kind, name):
        report = reports[kind, name, "fanfold"]

        assert (report["status"], report["version"]) == ("ok", version("fanfold"))

    def test_an_installed_plugin_works(self, reports):
        report = reports["backend", "acme-good", "acme-good"]

        assert (report["version"], report["status"], report["problem"]) == ("1.5", "ok", None)

    def test_an_installed_observer_works(self, reports):
        assert reports["observer", "acme-watch", "acme-watch"]["status"] == "ok"

    def test_an_observer_that_would_be_told_nothing_is_shown(self, reports):
        report = reports["observer", "acme-deaf", "acme-deaf"]

        assert report["status"] == "broken"
        assert "would be told nothing" in report["problem"]

    def test_a_broken_plugin_is_shown_with_its_problem(self, reports):
        report = reports["backend", "acme-broken", "acme-broken"]

        assert report["status"] == "broken"
        assert "nowhere_to_be_found" in report["problem"]

    def test_a_plugin_for_another_contract_is_shown(self, reports):
        report = reports["store", "acme-new", "acme-new"]

        assert report["status"] == "broken"
        assert "upgrade fanfold" in report["problem"]

    def test_a_plugin_behind_a_built_in_name_is_shown(self, reports):
        report = reports["backend", "threads", "acme-thief"]

        assert report["status"] == "hidden"
        assert reports["backend", "threads", "fanfold"]["status"] == "ok"

    def test_the_table_has_an_aligned_line_for_each(self, site):
        lines = run_command("plugins", path=[site]).stdout.splitlines()

        assert lines[0].split() == ["KIND", "NAME", "DISTRIBUTION", "VERSION", "STATUS", "REMARK"]
        [good] = [line for line in lines if "acme-good" in line]
        assert good.split() == ["backend", "acme-good", "acme-good", "1.5", "ok"]
        assert good.index("1.5") == lines[0].index("VERSION")

    def test_a_terminal_gets_the_same_words(self, site):
        as_terminal = "import sys; sys.stdout.isatty = lambda: True"

        done = run_command("plugins", before=as_terminal, path=[site], COLUMNS="400")

        assert done.returncode == 0, done.stderr
        assert "acme-good" in done.stdout
        assert "nowhere_to_be_found" in done.stdout

    def test_an_extra_that_is_not_installed_tells_how_to_install_it(self):
        done = run_bare("plugins", "--json")

        reports = {one["name"]: one for one in json.loads(done.stdout)}
        assert reports["dask"]["status"] == "not installed"
        assert reports["dask"]["problem"] == 'pip install "fanfold[dask]"'
        assert reports["dask"]["distribution"] is None


def with_shared_memory(mount, little):
    """Return the lines that let the doctor look at another mount, and what is little there."""
    return (
        "import pathlib, fanfold.cli._checks as checks\n"
        f"checks._SHARED_MEMORY = pathlib.Path({str(mount)!r})\n"
        f"checks._LITTLE_SHARED_MEMORY = {little}"
    )


@pytest.fixture(scope="module")
def healthy_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("healthy")


@pytest.fixture(scope="module")
def healthy(healthy_folder):
    cache = healthy_folder / "not" / "there" / "yet"
    before = with_shared_memory(healthy_folder, little=1)
    return run_command("doctor", "--json", "--cache", cache, before=before)


class TestDoctorOfAHealthyMachine:
    def test_gets_exit_code_0(self, healthy):
        broken = [one for one in findings_in(healthy).values() if one["status"] == "broken"]

        assert broken == []
        assert healthy.returncode == 0

    @pytest.mark.parametrize(
        ("check", "found"),
        [
            ("fanfold", version("fanfold")),
            ("python", sys.executable),
            ("cpus", f"usable of {os.cpu_count()}"),
            ("cloudpickle", version("cloudpickle")),
            ("backend processes", f"fanfold {version('fanfold')}"),
        ],
    )
    def test_tells_what_there_is(self, healthy, check, found):
        finding = findings_in(healthy)[check]

        assert found in finding["found"]
        assert finding["status"] == "ok"

    def test_has_enough_shared_memory(self, healthy, healthy_folder):
        assert findings_in(healthy)[str(healthy_folder)]["status"] == "ok"

    def test_may_have_a_cache_directory_that_will_be_made(self, healthy, healthy_folder):
        finding = findings_in(healthy)[
            f"cache directory {healthy_folder / 'not' / 'there' / 'yet'}"
        ]

        assert finding["found"].startswith("writable, ")
        assert list(healthy_folder.iterdir()) == []


@pytest.fixture(scope="module")
def sick_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sick")


@pytest.fixture(scope="module")
def sick_cache(sick_folder):
    """A file where a directory should be: permissions would not stop tests run by root."""
    file = sick_folder / "file"
    file.write_text("")
    return file


@pytest.fixture(scope="module")
def sick(sick_folder, sick_cache, site):
    return run_command(
        *("doctor", "--json", "--cache", sick_cache),
        before=with_shared_memory(sick_folder, little=2**80),
        path=[site],
        FANFOLD_MAX_CPU_COUNT="many",
    )


class TestDoctorOfASickMachine:
    def test_gets_exit_code_1(self, sick):
        assert sick.returncode == 1

    def test_names_a_broken_plugin(self, sick):
        finding = findings_in(sick)["backend acme-broken"]

        assert (finding["status"], finding["found"]) == ("broken", "acme-broken 2.5")
        assert "nowhere_to_be_found" in finding["remark"]

    def test_names_a_cache_directory_that_cannot_be_written(self, sick, sick_cache):
        finding = findings_in(sick)[f"cache directory {sick_cache}"]

        assert finding["status"] == "broken"
        assert "cannot be written" in finding["found"]

    def test_names_a_wrong_limit_of_cpus(self, sick):
        finding = findings_in(sick)["cpus"]

        assert finding["status"] == "broken"
        assert "FANFOLD_MAX_CPU_COUNT" in finding["remark"]

    def test_names_little_shared_memory(self, sick, sick_folder):
        finding = findings_in(sick)[str(sick_folder)]

        assert finding["status"] == "low"
        assert "--shm-size" in finding["remark"]


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bare")
    (folder / "lz4.py").write_text("")
    return run_bare("doctor", "--json", path=[folder])


class TestDoctorOfABareMachine:
    def test_gets_exit_code_1_because_of_what_is_needed(self, bare):
        finding = findings_in(bare)["cloudpickle"]

        assert bare.returncode == 1
        assert finding["status"] == "broken"
        assert finding["remark"] == "fanfold needs it: pip install cloudpickle"

    @pytest.mark.parametrize("check", ["numpy", "backend dask"])
    def test_may_lack_what_is_optional(self, bare, check):
        assert findings_in(bare)[check]["status"] == "absent"

    def test_may_have_a_library_without_metadata(self, bare):
        finding = findings_in(bare)["lz4"]

        assert (finding["found"], finding["status"]) == ("of unknown version", "ok")


def test_a_platform_without_a_mount_of_shared_memory_is_fine(tmp_path):
    mount = tmp_path / "none"

    done = run_bare("doctor", "--json", before=with_shared_memory(mount, little=1))

    assert str(mount) not in findings_in(done)


def test_the_table_of_the_doctor_has_a_line_for_each_finding():
    lines = run_bare("doctor").stdout.splitlines()

    assert lines[0].split() == ["CHECK", "FOUND", "STATUS", "REMARK"]
    assert any(line.startswith("python ") for line in lines)


class TestMain:
    def test_the_version_is_the_distributions(self, capsys):
        with pytest.raises(SystemExit) as exit_:
            main(["--version"])

        assert exit_.value.code == 0
        assert capsys.readouterr().out == f"fanfold {version('fanfold')}\n"

    @pytest.mark.parametrize("arguments", [[], ["plugin"]], ids=["no command", "unknown command"])
    def test_a_wrong_command_line_gets_exit_code_2(self, capsys, arguments):
        with pytest.raises(SystemExit) as exit_:
            main(arguments)

        assert exit_.value.code == 2
        assert "COMMAND" in capsys.readouterr().err

    def test_it_is_installed_as_a_command(self):
        done = subprocess.run(
            [Path(sys.executable).with_name("fanfold"), "plugins"],
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 0, done.stderr
        assert "sequential" in done.stdout
