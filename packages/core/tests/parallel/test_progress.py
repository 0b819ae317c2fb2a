"""``Parallel(progress=True)``: what is shown on stderr, with rich and without, and how it ends."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import threading
from contextlib import redirect_stderr

import pytest
from fanfold import Parallel, delayed
from fanfold.errors import FanfoldError

BACKENDS = ["processes", "threads", "sequential"]


class Terminal(io.StringIO):
    """What a terminal is to a program that asks."""

    def isatty(self) -> bool:
        return True

    @property
    def text(self) -> str:
        """What was written, without the sequences that move the cursor and set colours."""
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.getvalue())


@pytest.fixture
def terminal(monkeypatch):
    """A terminal that can draw; pytest's own capturing demands that the test redirects stderr."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    for variable in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(variable, raising=False)
    return Terminal()


def absolutes(numbers, **options):
    return Parallel(n_jobs=2, progress=True, **options)(delayed(abs)(n) for n in numbers)


def fail_at_3(number):
    if number == 3:
        raise ZeroDivisionError("three")
    return number


@pytest.mark.parametrize("backend", BACKENDS)
def test_results_are_what_they_are_without_progress(backend):
    assert absolutes([-1, 2, -3], backend=backend) == [1, 2, 3]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_pipe_gets_a_line_for_each_tenth_and_one_for_the_end(backend, capsys):
    calls = [delayed(abs)(n) for n in range(40)]

    Parallel(n_jobs=2, backend=backend, progress=True, batch_size=1)(calls)

    *lines, last = capsys.readouterr().err.splitlines()
    assert len(lines) == 9
    assert re.search(r": done 4 of 40, 0:00:0\d so far, about 0:00:0\d left$", lines[0])
    assert re.search(r": done 40, finished after 0:00:0\d$", last)
    assert all(line.startswith(f"[fanfold] {backend}") for line in [*lines, last])


def test_without_a_known_total_lines_come_each_time_the_number_doubles(capsys):
    absolutes(range(20), backend="threads", batch_size=1)

    text = capsys.readouterr().err
    assert [int(number) for number in re.findall(r"done (\d+)", text)] == [1, 2, 4, 8, 16, 20]
    assert "left" not in text


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_last_line_tells_which_error_ended_the_call(backend, capsys):
    calls = [delayed(fail_at_3)(n) for n in range(100)]

    with pytest.raises(ZeroDivisionError, match="three"):
        Parallel(n_jobs=2, backend=backend, progress=True, batch_size=1)(calls)

    last = capsys.readouterr().err.splitlines()[-1]
    assert re.search(r"done \d+ of 100, ended by ZeroDivisionError after", last)


def test_a_generator_that_is_closed_early_says_so(capsys):
    calls = [delayed(abs)(n) for n in range(100)]
    results = Parallel(
        n_jobs=2, backend="threads", progress=True, return_as="generator", pre_dispatch=2
    )(calls)
    assert next(results) == 0

    results.close()

    assert re.search(r"done \d+ of 100, closed early after", capsys.readouterr().err)


def test_a_call_that_its_input_ends_is_shown_with_the_error_of_the_input(capsys):
    def calls():
        yield delayed(abs)(1)
        raise FanfoldError("no more input")

    with pytest.raises(FanfoldError, match="no more input"):
        Parallel(n_jobs=2, backend="threads", progress=True)(calls())

    assert "ended by FanfoldError" in capsys.readouterr().err


def test_a_terminal_gets_a_bar_that_stays_when_it_is_full(terminal):
    with redirect_stderr(terminal):
        assert absolutes(range(30), backend="threads") == [*range(30)]

    assert "threads, 2 workers" in terminal.text
    assert "━" in terminal.text
    assert "30/30" in terminal.text
    assert "[fanfold]" not in terminal.text


def test_a_bar_tells_which_error_ended_the_call(terminal):
    calls = [delayed(fail_at_3)(n) for n in range(100)]

    with redirect_stderr(terminal), pytest.raises(ZeroDivisionError):
        Parallel(n_jobs=2, backend="threads", progress=True, batch_size=1)(calls)

    assert "ended by ZeroDivisionError" in terminal.text


def test_streams_that_run_at_once_each_have_a_bar(terminal):
    def stream(size):
        calls = [delayed(abs)(n) for n in range(size)]
        return Parallel(n_jobs=2, backend="threads", progress=True, return_as="generator")(calls)

    with redirect_stderr(terminal):
        short, long = stream(11), stream(22)
        assert next(long) == 0
        assert list(short) == [*range(11)]
        assert list(long) == [*range(1, 22)]

    assert "11/11" in terminal.text
    assert "22/22" in terminal.text


def test_calls_from_many_threads_each_have_a_bar(terminal):
    sizes = range(10, 18)
    at_once = threading.Barrier(len(sizes))
    results = {}

    def call(size):
        at_once.wait()
        results[size] = absolutes(range(size), backend="threads")

    threads = [threading.Thread(target=call, args=(size,)) for size in sizes]
    with redirect_stderr(terminal):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert results == {size: [*range(size)] for size in sizes}
    assert [size for size in sizes if f"{size}/{size}" not in terminal.text] == []


def test_what_the_program_prints_into_a_pipe_arrives_there(terminal, capsys):
    with redirect_stderr(terminal):
        for number in absolutes(range(3), backend="sequential", return_as="generator"):
            print("number", number)

    assert capsys.readouterr().out == "number 0\nnumber 1\nnumber 2\n"


def test_a_terminal_that_cannot_draw_gets_lines(terminal, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")

    with redirect_stderr(terminal):
        absolutes([1, 2], backend="threads")

    assert "done 2, finished" in terminal.text


def test_without_rich_a_terminal_gets_lines(terminal, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich", None)

    with redirect_stderr(terminal):
        absolutes([1, 2], backend="threads")

    assert "done 2, finished" in terminal.text


def test_without_any_stderr_a_call_runs_as_always(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)

    assert absolutes([-1, -2], backend="threads") == [1, 2]


def test_rich_is_not_imported_where_no_bar_is_drawn():
    program = (
        "import sys; from fanfold import Parallel, delayed\n"
        "Parallel(n_jobs=1, progress=True)([delayed(abs)(-1)])\n"
        "assert 'rich' not in sys.modules"
    )

    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert run.returncode == 0, run.stderr
    assert "[fanfold] sequential: done 1, finished" in run.stderr
