"""A dump that is killed, at whatever byte or step, leaves the old file or the new one."""

import errno
import os
import subprocess
import sys

import fanfold.persistence._publish as publish
import numpy as np
import pytest
from fanfold.errors import InvalidArgumentError
from fanfold.persistence import dump, load

# Forks a child for each step; the child kills itself there while it dumps, which is quicker than an
# interpreter for each.
KILLED_AT_EACH_STEP = """
import os, signal, sys
from fanfold.persistence import dump, load

path, durable = sys.argv[1], sys.argv[2] == "durable"
OLD, NEW = "old" * 1000, ["new", b"x" * 100_000, "y" * 1_100_000]

def dump_until(step):
    seen = 0
    def at_each_call(frame, event, argument):
        nonlocal seen
        seen += 1
        if seen == step:
            os.kill(os.getpid(), signal.SIGKILL)
    sys.setprofile(at_each_call)
    dump(NEW, path, durable=durable)
    sys.setprofile(None)
    os._exit(0)

dump(NEW, path)  # what is imported on the way is imported now
found, step, code = set(), 0, -1
while code:
    dump(OLD, path)
    step += 1
    child = os.fork()
    if not child:
        dump_until(step)
    code = os.waitpid(child, 0)[1]
    value = load(path)
    assert value in (OLD, NEW), step
    found.add("old" if value == OLD else "new")
print(step, *sorted(found))
"""

# The kernel kills who writes behind a file's largest size, so this is a kill at a given byte.
KILLED_AT_BYTES = """
import os, resource, signal, sys
from fanfold.persistence import dump, load

path = sys.argv[1]
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
small, large = ["new", b"x" * 20], ["new", b"x" * 3_000_000]
for new, step in [(small, 1), (large, 100_003)]:
    dump(new, path)
    for last in range(0, os.path.getsize(path), step):
        dump("old", path)
        child = os.fork()
        if not child:
            resource.setrlimit(resource.RLIMIT_FSIZE, (last, last))
            dump(new, path)
            os._exit(0)
        code = os.waitpid(child, 0)[1]
        assert os.WTERMSIG(code) == signal.SIGXFSZ, (last, code)
        assert load(path) == "old", last
print("done")
"""

FULL_AT_BYTES = """
import errno, os, resource, sys
from fanfold.persistence import dump, load

path, durable = sys.argv[1], sys.argv[2] == "durable"
new = ["new", b"x" * 3_000_000]
dump(new, path)
size = os.path.getsize(path)
dump("old", path)
for last in [*range(0, size, 500_009), size - 1]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (last, resource.RLIM_INFINITY))
    try:
        dump(new, path, durable=durable)
    except OSError as error:
        assert error.errno == errno.EFBIG, error
    else:
        raise AssertionError(last)
    assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)], last
    assert load(path) == "old", last
print("done")
"""


def run(program, *arguments):
    # Hundreds of children are killed here, and what measures coverage would take most of the time.
    environment = {name: os.environ[name] for name in os.environ if not name.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("durable", ["durable", "usual"])
def test_a_dump_that_is_killed_at_any_step_leaves_the_old_file_or_the_new_one(tmp_path, durable):
    steps, *found = run(KILLED_AT_EACH_STEP, tmp_path / "value", durable)

    assert int(steps) > 50
    assert found == ["new", "old"]


def test_a_dump_that_is_killed_at_any_byte_leaves_the_old_file(tmp_path):
    assert run(KILLED_AT_BYTES, tmp_path / "value") == ["done"]


@pytest.mark.parametrize("durable", ["durable", "usual"])
def test_a_disk_that_is_full_at_any_byte_gives_the_error_and_no_debris(tmp_path, durable):
    assert run(FULL_AT_BYTES, tmp_path / "value", durable) == ["done"]


def test_a_full_disk_says_so_and_has_no_debris(tmp_path):
    # A file system of 1 MiB; only a namespace of its own lets everybody mount one.
    folder = tmp_path / "disk"
    folder.mkdir()
    program = (
        "import os, sys\n"
        "from fanfold.persistence import dump, load\n"
        f"os.chdir({str(folder)!r})\n"
        "dump('old', 'value')\n"
        "try:\n"
        "    dump(b'x' * 3_000_000, 'value')\n"
        "except OSError as error:\n"
        "    print(error.errno, *os.listdir('.'), load('value'))\n"
    )
    mount = f'mount -t tmpfs -o size=1m tmpfs {folder} && exec {sys.executable} -c "$1"'
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh", program],
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(f"no file systems can be mounted here: {done.stderr.strip()}")

    assert done.stdout.split() == [str(errno.ENOSPC), "value", "old"], done.stderr


def test_a_durable_dump_flushes_the_file_before_its_name_and_then_the_name(tmp_path, monkeypatch):
    steps = []

    def flush(descriptor, real=os.fsync):
        steps.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        real(descriptor)

    def rename(source, target, real=os.replace):
        steps.append("renamed")
        real(source, target)

    monkeypatch.setattr(publish.os, "fsync", flush)
    monkeypatch.setattr(publish.os, "replace", rename)

    dump(np.arange(100_000), tmp_path / "value", durable=True)

    file, *others = steps
    assert file.startswith(".fanfold-")
    assert others == ["renamed", tmp_path.name]
    assert load(tmp_path / "value").sum() == 4_999_950_000


def test_a_usual_dump_does_not_wait_for_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(publish.os, "fsync", lambda descriptor: pytest.fail("it waits"))

    dump(1, tmp_path / "value")

    assert load(tmp_path / "value") == 1


def test_a_file_object_cannot_be_durable(tmp_path):
    with open(tmp_path / "value", "wb") as file, pytest.raises(InvalidArgumentError, match="fsync"):
        dump(1, file, durable=True)
