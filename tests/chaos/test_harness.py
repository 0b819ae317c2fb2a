"""What watches the programs sees what it is to see."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.chaos import harness
from tests.chaos.harness import Program


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a script to its end, with little patience, and return why it was found at fault."""
    monkeypatch.setattr(harness, "SECONDS_TO_VANISH", 0.5)

    def run_to_its_end(source, seconds=100):
        script = tmp_path / "script.py"
        script.write_text(source)
        program = Program(tmp_path / "program", seconds, str(script))
        try:
            with pytest.raises(pytest.fail.Exception) as raised:
                program.finish()
        finally:
            program.close()
        return str(raised.value)

    return run_to_its_end


def test_a_program_that_hangs_shows_where(run):
    complaint = run("def hang():\n    input()\nhang()", seconds=2)

    assert "it does not end" in complaint
    assert "line 2 in hang" in complaint


def test_a_program_that_fails_shows_why(run):
    assert "ZeroDivisionError" in run("1 / 0")


def test_a_process_that_is_left_is_seen(run):
    complaint = run("import os\nif os.fork() == 0: input()")

    assert "processes are left" in complaint
    assert "line 2 in <module>" in complaint


def test_a_temporary_file_that_is_left_is_seen(run):
    assert "temporary files are left: ['tmp" in run("import tempfile\ntempfile.mkstemp()")


def test_a_name_of_shared_memory_that_is_left_is_seen(run, request):
    name = f"fanfold-{os.getpid()}-left"
    request.addfinalizer(Path("/dev/shm", name).unlink)

    assert f"/dev/shm/{name}" in run(f"open('/dev/shm/{name}', 'w').close()")


@pytest.mark.parametrize(
    ("leak", "number"),
    [
        ("os.open(os.devnull, os.O_RDONLY)", "descriptors"),
        ("os.posix_spawn('/bin/cat', ['cat'], {})", "processes"),
        ("threading.Thread(target=input, daemon=True).start()", "threads"),
        ("tempfile.mkstemp()", "files"),
        ("kept.append(shared_array(10))", "segments"),
    ],
)
def test_what_is_not_given_back_is_counted(run, leak, number):
    complaint = run(f"""
import os, tempfile, threading
import support
from fanfold import shared_array
support.SECONDS_TO_GIVE_BACK = 0.2
kept = []
with support.nothing_left():
    {leak}
""")

    before, after = (text.partition(")")[0] for text in complaint.split("Census(")[1:])
    counts = [dict(pair.split("=") for pair in text.split(", ")) for text in (before, after)]
    assert int(counts[1][number]) == int(counts[0][number]) + 1
