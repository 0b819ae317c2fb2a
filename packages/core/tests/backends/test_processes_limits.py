"""What the system refuses, or does not have: the process pool says so, or does without."""

import os
import resource
import tempfile
from pathlib import Path

import numpy as np
import pytest
from fanfold import Parallel, delayed
from fanfold.backends.processes import ProcessesBackend
from fanfold.errors import BackendUnavailableError

from packages.core.tests.backends.meeting import meet


def total(array):
    return float(array.sum())


def limit_descriptors(pids, most):
    """Let processes open so many descriptors; None is for as many as they may."""
    for pid in pids:
        _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (most or hard, hard))


@pytest.fixture
def on_both():
    """Call a function on both workers, which no other test uses, and return what came of it."""
    ProcessesBackend().close()

    def call(function, *args):
        with tempfile.TemporaryDirectory() as folder:
            run = Parallel(n_jobs=2, batch_size=1, max_nbytes=100_000, on_error="return")
            return run(delayed(call_there)(Path(folder), function, *args) for _ in range(2))

    yield call
    ProcessesBackend().close()


def call_there(folder, function, *args):
    meet(folder, 2)
    return function(*args)


class TestDescriptors:
    @pytest.mark.parametrize(
        ("n_jobs", "descriptors", "what"),
        [
            *((2, descriptors, "start a worker process") for descriptors in (0, 1, 3, 5)),
            (100, 0, "watch worker processes"),
        ],
    )
    def test_too_few_say_so_and_are_all_given_back(self, n_jobs, descriptors, what, run_script):
        done = run_script(
            """
import os, resource, sys
from fanfold import Parallel, delayed
from fanfold.backends.processes import ProcessesBackend
from fanfold.errors import BackendUnavailableError
run = Parallel(n_jobs=int(sys.argv[1]))
run([delayed(abs)(-1)])
ProcessesBackend().close()
before = os.listdir("/proc/self/fd")
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (len(before) - 1 + int(sys.argv[2]), hard))
try:
    run([delayed(abs)(-1)])
except BackendUnavailableError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(os.listdir("/proc/self/fd") == before, run([delayed(abs)(-1)]))
""",
            str(n_jobs),
            str(descriptors),
        )
        assert f"cannot {what}" in done.stdout
        assert "Raise the limit on descriptors (ulimit -n)" in done.stdout
        assert done.stdout.endswith("True [1]\n")

    @pytest.mark.parametrize("n", [30_000, 3_000_000], ids=["shared segment", "its own"])
    def test_a_worker_that_cannot_map_an_argument_fails_the_task(self, n, on_both):
        run = Parallel(n_jobs=2, max_nbytes=100_000)
        assert on_both(total, np.ones(300_000)) == [300_000, 300_000]
        failures = on_both(total, None)  # nothing is left to be imported afterwards
        assert [type(failure.exception) for failure in failures] == [AttributeError] * 2
        pids = on_both(os.getpid)
        limit_descriptors(pids, 3)

        with pytest.raises(OSError, match="Too many open files") as raised:
            run([delayed(total)(np.ones(n))])

        assert "arguments of task 0" in "".join(raised.value.__notes__)
        limit_descriptors(pids, None)
        assert run([delayed(total)(np.ones(n))]) == [n]

    def test_a_caller_that_cannot_map_a_result_is_told(self, run_script):
        done = run_script("""
import os, resource
import numpy as np
from fanfold import Parallel, delayed
from fanfold.errors import BackendUnavailableError
run = Parallel(n_jobs=2)
run(delayed(np.ones)(300_000) for _ in range(8))
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
free = os.dup(0)
os.close(free)
resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
try:
    run([delayed(np.ones)(3_000_000)])
except BackendUnavailableError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(run([delayed(np.ones)(3_000_000)])[0].sum())
""")
        assert "cannot map the shared memory of a result" in done.stdout
        assert "Raise the limit on descriptors (ulimit -n)" in done.stdout
        assert done.stdout.endswith("3000000.0\n")


class TestPlatforms:
    def test_a_platform_without_posix_spawn_says_so(self, monkeypatch):
        ProcessesBackend().close()
        monkeypatch.delattr(os, "posix_spawn")
        with pytest.raises(BackendUnavailableError, match="backend='threads'"):
            Parallel(n_jobs=2, backend="processes")([delayed(abs)(-1)])

    def test_one_without_what_only_linux_has_does_without(self, run_script, tmp_path):
        # No descriptors of processes and no memory without a name, here and in workers.
        (tmp_path / "sitecustomize.py").write_text(
            "import os\ndel os.pidfd_open, os.memfd_create, os.posix_fallocate"
        )
        (tmp_path / "files").mkdir()
        path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
        source = """
import os
import numpy as np
from fanfold import Parallel, delayed
from fanfold.backends.processes import ProcessesBackend
from fanfold.errors import WorkerLostError
print(hasattr(os, "pidfd_open"))
run = Parallel(n_jobs=2)
try:
    run([delayed(os._exit)(7)])
except WorkerLostError as error:
    print(error.exit_code)
print([float(a.sum()) for a in run(delayed(np.negative)(np.full(300_000, i)) for i in (1, 2))])
ProcessesBackend().close()
"""
        environment = {**os.environ, "PYTHONPATH": path, "TMPDIR": str(tmp_path / "files")}
        done = run_script(source, env=environment)
        assert done.stdout == "False\n7\n[-300000.0, -600000.0]\n"
        assert not any((tmp_path / "files").iterdir())
