"""The commands ``fanfold plugins`` and ``fanfold doctor``, and the way errors leave them."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import fanfold
import pytest
from fanfold.cli import main

# These commands import every plugin that is installed; what those warn of is theirs.
pytestmark = pytest.mark.filterwarnings("default")

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


class Terminal(io.StringIO):
    """What a terminal is to a program that asks."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install distributions of every fate: they are on the path, as if pip had put them there."""
    for distribution, (version, group, name, source) in SITES.items():
        module = distribution.replace("-", "_")
        metadata = tmp_path / f"{module}-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        )
        (metadata / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}:Plugin\n")
        (tmp_path / f"{module}.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))


def output_of(capsys, *arguments):
    code = main(arguments)
    return code, capsys.readouterr().out


def run_bare(*arguments, folder=""):
    """Run the command where nothing can be imported but fanfold's own source and a folder."""
    source = Path(fanfold.__file__).parents[1]
    program = "import sys; from fanfold.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-S", "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(source), str(folder)])},
        capture_output=True,
        text=True,
        check=False,
    )


class TestPlugins:
    @pytest.fixture
    def reports(self, installed, capsys):
        code, output = output_of(capsys, "plugins", "--json")
        assert code == 0
        return {(one["kind"], one["name"], one["distribution"]): one for one in json.loads(output)}

    def test_built_in_names_work(self, reports):
        for kind, name in [("backend", "processes"), ("backend", "loky"), ("store", "local")]:
            report = reports[kind, name, "fanfold"]
            assert (report["status"], report["version"]) == ("ok", "0.1.0")

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

    def test_the_table_has_a_line_for_each(self, installed, capsys):
        code, output = output_of(capsys, "plugins")

        lines = output.splitlines()
        assert code == 0
        assert lines[0].split() == ["KIND", "NAME", "DISTRIBUTION", "VERSION", "STATUS", "REMARK"]
        assert any(
            line.split() == ["backend", "acme-good", "acme-good", "1.5", "ok"] for line in lines
        )
        assert len({line.index("acme-") for line in lines if "  acme-good  " in line}) == 1

    def test_a_terminal_gets_the_same_words(self, installed, monkeypatch):
        monkeypatch.setattr(sys, "stdout", Terminal())
        monkeypatch.setenv("COLUMNS", "400")

        code = main(["plugins"])

        assert code == 0
        assert "acme-good" in sys.stdout.getvalue()
        assert "nowhere_to_be_found" in sys.stdout.getvalue()

    def test_an_extra_that_is_not_installed_tells_how_to_install_it(self):
        done = run_bare("plugins", "--json")

        reports = {one["name"]: one for one in json.loads(done.stdout)}
        assert reports["dask"]["status"] == "not installed"
        assert reports["dask"]["problem"] == 'pip install "fanfold[dask]"'
        assert reports["dask"]["distribution"] is None


class TestDoctor:
    def findings_of(self, capsys, *arguments):
        code, output = output_of(capsys, "doctor", "--json", *arguments)
        return code, {one["check"]: one for one in json.loads(output)}

    def test_a_healthy_machine_gets_exit_code_0(self, capsys):
        code, findings = self.findings_of(capsys)

        assert code == 0, [one for one in findings.values() if one["status"] == "broken"]
        assert findings["fanfold"]["found"] == "0.1.0"
        assert sys.executable in findings["python"]["found"]
        assert findings["cloudpickle"]["status"] == "ok"
        assert findings["backend processes"]["status"] == "ok"

    def test_a_broken_plugin_gets_exit_code_1(self, installed, capsys):
        code, findings = self.findings_of(capsys)

        assert code == 1
        assert findings["backend acme-broken"]["status"] == "broken"
        assert findings["backend acme-broken"]["found"] == "acme-broken 2.5"
        assert "nowhere_to_be_found" in findings["backend acme-broken"]["remark"]

    def test_what_is_needed_and_missing_gets_exit_code_1(self):
        done = run_bare("doctor", "--json")

        findings = {one["check"]: one for one in json.loads(done.stdout)}
        assert done.returncode == 1
        assert findings["cloudpickle"]["status"] == "broken"
        assert findings["cloudpickle"]["remark"] == "fanfold needs it: pip install cloudpickle"
        assert findings["numpy"]["status"] == "absent"
        assert findings["backend dask"]["status"] == "absent"

    def test_a_library_without_metadata_is_shown(self, tmp_path):
        (tmp_path / "lz4.py").write_text("")

        done = run_bare("doctor", "--json", folder=tmp_path)

        findings = {one["check"]: one for one in json.loads(done.stdout)}
        assert (findings["lz4"]["found"], findings["lz4"]["status"]) == ("of unknown version", "ok")

    def test_a_cache_directory_that_will_be_made_is_fine(self, tmp_path, capsys):
        cache = tmp_path / "not" / "there" / "yet"

        _, findings = self.findings_of(capsys, "--cache", str(cache))

        assert findings[f"cache directory {cache}"]["status"] == "ok"
        assert findings[f"cache directory {cache}"]["found"].startswith("writable, ")
        assert list(tmp_path.iterdir()) == []

    def test_a_cache_directory_that_cannot_be_written_gets_exit_code_1(self, tmp_path, capsys):
        # A file in its place: permissions would not stop a test that is run by root.
        cache = tmp_path / "file"
        cache.write_text("")

        code, findings = self.findings_of(capsys, "--cache", str(cache))

        assert code == 1
        assert findings[f"cache directory {cache}"]["status"] == "broken"
        assert "cannot be written" in findings[f"cache directory {cache}"]["found"]

    @pytest.mark.parametrize(("little", "status"), [(1, "ok"), (2**80, "low")])
    def test_little_shared_memory_is_no_fault(self, tmp_path, monkeypatch, capsys, little, status):
        monkeypatch.setattr("fanfold.cli._checks._SHARED_MEMORY", tmp_path)
        monkeypatch.setattr("fanfold.cli._checks._LITTLE_SHARED_MEMORY", little)

        _, findings = self.findings_of(capsys)

        assert findings[str(tmp_path)]["status"] == status

    def test_a_platform_without_a_shared_memory_mount_is_fine(self, tmp_path, monkeypatch, capsys):
        mount = tmp_path / "none"
        monkeypatch.setattr("fanfold.cli._checks._SHARED_MEMORY", mount)

        _, findings = self.findings_of(capsys)

        assert str(mount) not in findings

    def test_a_wrong_limit_of_cpus_gets_exit_code_1(self, monkeypatch, capsys):
        monkeypatch.setenv("FANFOLD_MAX_CPU_COUNT", "many")

        code, findings = self.findings_of(capsys)

        assert code == 1
        assert findings["cpus"]["status"] == "broken"
        assert "FANFOLD_MAX_CPU_COUNT" in findings["cpus"]["remark"]

    def test_the_table_has_a_line_for_each(self, capsys):
        _, output = output_of(capsys, "doctor")

        assert output.splitlines()[0].split() == ["CHECK", "FOUND", "STATUS", "REMARK"]
        assert any(line.startswith("python ") for line in output.splitlines())


class TestMain:
    def test_the_version_is_the_distributions(self, capsys):
        from importlib.metadata import version

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
