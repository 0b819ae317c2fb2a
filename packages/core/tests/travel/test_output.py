"""What workers print reaches the parent's stdout and stderr, whole lines at a time."""

import contextlib
import io
import os
import subprocess
import sys
import threading

import pytest
from fanfold import Parallel, delayed
from fanfold.errors import WorkerLostError


def run(function, *arguments, n_tasks=1, **options):
    return Parallel(n_jobs=2, backend="processes", **options)(
        delayed(function)(*arguments) for _ in range(n_tasks)
    )


def say(text, stream="stdout", end="\n"):
    print(text, file=getattr(sys, stream), end=end)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_it_is_written_to_the_parents_stream(capsys, stream):
    run(say, "hello", stream, n_tasks=3)
    captured = capsys.readouterr()
    assert getattr(captured, stream.removeprefix("std")) == "hello\n" * 3


def test_it_follows_a_redirection():
    with contextlib.redirect_stdout(io.StringIO()) as redirected:
        run(say, "to the variable")
    assert redirected.getvalue() == "to the variable\n"


def test_it_is_there_when_the_result_is():
    stream = Parallel(n_jobs=2, backend="processes", return_as="generator", batch_size=1)(
        delayed(say)(f"line {i}") for i in range(10)
    )
    with contextlib.redirect_stdout(io.StringIO()) as redirected:
        missing = [i for i, _ in enumerate(stream) if f"line {i}\n" not in redirected.getvalue()]
    assert missing == []


def test_a_line_arrives_while_its_task_runs(tmp_path, wait_until):
    class Arrival(io.StringIO):
        def write(self, text):
            (tmp_path / "arrived").write_text(text)
            return len(text)

    def speak_and_wait():
        import time

        print("are you there?")
        deadline = time.monotonic() + 100
        while not (tmp_path / "arrived").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    with contextlib.redirect_stdout(Arrival()):
        run(speak_and_wait)
    assert (tmp_path / "arrived").read_text() == "are you there?\n"


def test_an_unfinished_line_comes_at_the_end_of_its_task():
    class Writes(list):
        def write(self, text):
            self.append(text)

    with contextlib.redirect_stdout(writes := Writes()):
        run(say, "no newline", "stdout", "", n_tasks=3, batch_size=3)
    assert writes == ["no newline"] * 3


def test_lines_of_several_threads_are_not_mixed(capsys):
    def talk():
        def speak(name):
            for _ in range(200):
                sys.stdout.write(name)
                sys.stdout.write(name)
                sys.stdout.write("\n")

        threads = [threading.Thread(target=speak, args=(name * 10,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    run(talk)
    lines = capsys.readouterr().out.splitlines()
    assert sorted(lines) == sorted(name * 20 for name in "abcd" for _ in range(200))


def test_a_progress_bar_is_drawn_as_it_goes():
    class Writes(list):
        def write(self, text):
            self.append(text)

    def draw():
        for percent in (0, 50, 100):
            sys.stderr.write(f"{percent}%\r")
            sys.stderr.flush()

    with contextlib.redirect_stderr(writes := Writes()):
        run(draw)
    assert writes == ["0%\r", "50%\r", "100%\r"]


def test_a_line_without_end_is_sent_in_pieces():
    class Writes(list):
        def write(self, text):
            self.append(len(text))

    def draw():
        for _ in range(100):
            sys.stdout.write("x" * 1000)
        sys.stdout.write("y" * 100_000)

    with contextlib.redirect_stdout(writes := Writes()):
        run(draw)
    assert sum(writes) == 200_000
    assert len(writes) > 1


def test_any_text_travels():
    text = "\u00e9 \ud800 \N{SNOWMAN} \x00"
    with contextlib.redirect_stdout(io.StringIO()) as redirected:
        run(say, text)
    assert redirected.getvalue() == f"{text}\n"


def test_a_stream_that_lacks_a_letter_shows_its_number():
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with contextlib.redirect_stdout(stdout):
        run(say, "caf\u00e9")
    stdout.flush()
    assert stdout.buffer.getvalue() == b"caf\\xe9\n"


def test_bytes_are_text(capsys):
    def write_bytes():
        snowman = "\N{SNOWMAN}\n".encode()
        sys.stdout.buffer.write(snowman[:1])
        sys.stdout.buffer.write(snowman[1:])
        sys.stdout.buffer.flush()
        return sys.stdout.buffer.writable(), sys.stdout.buffer.fileno()

    assert run(write_bytes) == [(True, 1)]
    assert capsys.readouterr().out == "\N{SNOWMAN}\n"


def test_streams_have_what_code_asks_of_them():
    def look():
        sys.stderr.reconfigure(line_buffering=True)
        out = sys.stdout
        return (
            (out.name, out.mode, out.encoding, out.errors, out.line_buffering),
            (out.isatty(), out.writable(), out.readable(), out.fileno(), sys.stderr.fileno()),
        )

    [(names, kinds)] = run(look)
    assert names == ("<stdout>", "w", sys.__stdout__.encoding, "backslashreplace", True)
    assert kinds == (sys.__stdout__.isatty(), True, False, 1, 2)


@pytest.mark.parametrize("how", ["closed", "none", "broken"])
def test_a_stdout_that_takes_nothing_does_not_fail_the_call(monkeypatch, how):
    class Broken(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    stdout = {"closed": io.StringIO(), "none": None, "broken": Broken()}[how]
    if how == "closed":
        stdout.close()
    monkeypatch.setattr(sys, "stdout", stdout)
    assert run(say, "to nobody") == [None]


def test_a_task_may_close_its_own(capsys):
    assert run(_close_output) == [None]
    with pytest.raises(ValueError, match="closed file"):
        for _ in range(20):
            run(say, "silence", n_tasks=4, batch_size=1)
    from fanfold.backends.processes import ProcessesBackend

    ProcessesBackend().close()


def _close_output():
    sys.stdout.write("the last words")
    sys.stdout.close()


def test_what_a_lost_worker_printed_is_not_lost(capsys):
    def die():
        print("whole")
        print("unfinished", end="")
        os._exit(1)

    with pytest.raises(WorkerLostError):
        run(die)
    assert capsys.readouterr().out == "whole\n"


def test_nor_is_what_a_stopped_one_did(capsys, tmp_path):
    def speak_then_hang():
        import time

        print("before")
        (tmp_path / "said").touch()
        time.sleep(60)

    def fail():
        import time

        while not (tmp_path / "said").exists():
            time.sleep(0.01)
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        Parallel(n_jobs=2, backend="processes", batch_size=1)(
            [delayed(speak_then_hang)(), delayed(fail)()]
        )
    assert capsys.readouterr().out == "before\n"


def test_a_thread_that_goes_on_talking_does_no_harm(capsys, wait_until):
    def leave_a_talker():
        import time

        def talk():
            for i in range(50):
                print(f"still here {i}")
                time.sleep(0.002)

        threading.Thread(target=talk).start()

    said = []

    def all_said():
        assert run(abs, -1, n_tasks=20, batch_size=1) == [1] * 20
        said.append(capsys.readouterr().out)
        return "still here 49\n" in "".join(said)

    run(leave_a_talker)
    wait_until(all_said, "the thread's last line never came")
    lines = "".join(said).splitlines()
    assert lines == [f"still here {i}" for i in range(50)]


def test_what_is_finalized_while_a_message_is_sent_may_print(capsys):
    def task():
        import gc
        import sys

        class Talker:
            def __init__(self):
                self.itself = self

            def __del__(self):
                sys.stdout.write("gone\n")  # print would write twice, and meet the other in between

        gc.set_threshold(1)
        try:
            for _ in range(50):
                Talker()
                sys.stdout.write("made\n")
        finally:
            gc.set_threshold(700)
        gc.collect()

    run(task)
    assert sorted(capsys.readouterr().out.splitlines()) == ["gone"] * 50 + ["made"] * 50


def test_a_forked_child_of_a_task_writes_where_the_worker_would(run_script):
    source = """
import os, sys, warnings
from fanfold import Parallel, delayed
def fork():
    child = os.fork()
    if not child:
        print("from the child")
        sys.stdout.flush()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(Parallel(n_jobs=2)(delayed(fork)() for _ in range(4)))
"""
    done = run_script(source)
    assert sorted(done.stdout.splitlines()) == ["[0, 0, 0, 0]"] + ["from the child"] * 4


def test_programs_that_a_task_starts_write_to_the_same_place(run_script):
    source = """
import subprocess, sys
from fanfold import Parallel, delayed
def start():
    subprocess.run([sys.executable, "-c", "print('from a program')"], stdout=sys.stdout)
Parallel(n_jobs=2)([delayed(start)()])
"""
    assert run_script(source).stdout == "from a program\n"


def test_what_is_printed_when_a_worker_leaves_is_seen(run_script):
    source = """
import atexit
from fanfold import Parallel, delayed
from fanfold.backends.processes import ProcessesBackend
def task():
    atexit.register(print, "goodbye")
Parallel(n_jobs=2)([delayed(task)()])
ProcessesBackend().close()
"""
    assert run_script(source).stdout == "goodbye\n"


def test_nested_workers_are_heard_too(capsys):
    def outer():
        Parallel(n_jobs=2, backend="processes")(delayed(say)(f"inner {i}") for i in range(2))

    run(outer)
    assert sorted(capsys.readouterr().out.splitlines()) == ["inner 0", "inner 1"]


def test_a_worker_without_stdout_prints_all_the_same(tmp_path):
    source = """
import os, sys
from fanfold import Parallel, delayed
os.close(1)
sys.stdout = open("seen", "w")
def task():
    print("hello")
    try:
        sys.stdout.fileno()
    except OSError as error:
        return sys.__stdout__, sys.stdout.isatty(), sys.stdout.encoding, str(error)
found = Parallel(n_jobs=2)([delayed(task)()])
sys.stdout.close()
assert found == [(None, False, "utf-8", "fileno")], found
assert open("seen").read() == "hello\\n"
"""
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=tmp_path, stderr=subprocess.PIPE, check=False, text=True
    )
    assert done.stderr == ""
