"""A dump appears whole or not at all, and says why it could not be made."""

import os
import stat
import subprocess
import sys
import threading

import numpy as np
import pytest
from fanfold.persistence import UnpicklableValueError, dump, load


class Holder:
    def __init__(self, part):
        self.part = part


class Interrupting:
    def __reduce__(self):
        raise KeyboardInterrupt


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "value"
    dump("old", path)
    return path


def only_the_old_value_is_there(path):
    return load(path) == "old" and [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_part_that_cannot_be_pickled_is_named_and_the_old_file_stays(path):
    value = {"array": np.zeros(1_000_000), "holder": [Holder(threading.Lock())]}

    with pytest.raises(UnpicklableValueError, match=r"value\['holder'\]\[0\]\.part") as caught:
        dump(value, path)

    assert "lock" in str(caught.value)
    assert only_the_old_value_is_there(path)


def test_a_function_without_a_name_to_import_is_named(path):
    with pytest.raises(UnpicklableValueError, match=r"written by name.*module") as caught:
        dump([lambda: 1], path)

    assert "lambda" in str(caught.value)
    assert only_the_old_value_is_there(path)


def test_an_interrupted_dump_leaves_the_old_file(path):
    with pytest.raises(KeyboardInterrupt):
        dump([np.zeros(1_000_000), Interrupting()], path)

    assert only_the_old_value_is_there(path)


def test_a_failing_dump_leaves_nothing_where_nothing_was(tmp_path):
    with pytest.raises(UnpicklableValueError):
        dump(threading.Lock(), tmp_path / "value")

    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_reported_and_leaves_the_old_file(path):
    code = (
        "import resource, sys, fanfold.persistence as p\n"
        "no_limit = resource.RLIM_INFINITY\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, no_limit))\n"
        "try:\n"
        f"    p.dump(['x' * 1000 * n for n in range(100)], {str(path)!r})\n"
        "except OSError as error:\n"
        "    print(error.strerror)\n"
        # What measures coverage writes a file at the end.
        "resource.setrlimit(resource.RLIMIT_FSIZE, (no_limit, no_limit))"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    assert printed.strip() == "File too large"
    assert only_the_old_value_is_there(path)


def test_a_killed_dump_leaves_the_old_file(path):
    code = (
        "import os, signal, fanfold.persistence as p\n"
        "class Killing:\n"
        "    def __reduce__(self):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        f"p.dump([b'x' * 5_000_000, Killing()], {str(path)!r})"
    )

    finished = subprocess.run([sys.executable, "-c", code])

    assert finished.returncode == -9
    assert load(path) == "old"


def test_a_new_file_has_the_usual_mode_and_an_old_one_keeps_its_own(tmp_path, path):
    dump(1, tmp_path / "new")
    (tmp_path / "plain").touch()
    path.chmod(0o640)

    dump(2, path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_symbolic_link_stays_and_its_target_is_replaced(tmp_path, path):
    link = tmp_path / "link"
    link.symlink_to(path)

    dump("new", link)

    assert link.is_symlink()
    assert load(path) == "new"


def test_a_reader_of_the_old_file_is_not_disturbed(path):
    dump(np.arange(1000), path)
    mapped = load(path, mmap_mode="r")

    dump(np.zeros(1000), path)

    np.testing.assert_array_equal(mapped, range(1000))


def test_a_named_pipe_is_written_to_directly(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    loaded = []
    reader = threading.Thread(target=lambda: loaded.append(load(pipe)))
    reader.start()

    dump([1, 2], pipe)
    reader.join()

    assert loaded == [[1, 2]]
    assert [p.name for p in tmp_path.iterdir()] == ["pipe"]


def test_standard_output_can_be_dumped_to():
    code = "import fanfold.persistence as p; p.dump([1, 2], '/dev/stdout')"

    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    assert finished.stdout.startswith(b"\xffanfold\n")


def test_an_error_of_the_file_object_passes_through():
    class Full:
        def write(self, data):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        dump(1, Full())
