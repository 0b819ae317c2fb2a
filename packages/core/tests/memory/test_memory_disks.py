"""Caches on disks that are really full, or really read-only; of them only a namespace has some."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Disk = Callable[..., list[str]]

COMMON = """
import warnings
from fanfold import Memory

warnings.simplefilter("error")
memory = Memory("cache", verbose=0)

@memory.cache(version=1)
def square(x):
    return x * x

@memory.cache(version=1)
def large(x):
    return bytes(500_000) + bytes([x])

def told(action):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        result = action()
    return result, sorted(str(warning.message).partition(":")[0] for warning in found)
"""


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """Run programs on a new file system of 1 MiB, which `between` changes; return their lines."""

    def run(*programs: str, between: str = "true") -> list[str]:
        script = [f"mount -t tmpfs -o size=1m tmpfs {tmp_path}", f"cd {tmp_path}"]
        for number, program in enumerate(programs):
            script += [between] if number else []
            (tmp_path.parent / f"program{number}.py").write_text(COMMON + program)
            script += [f"{sys.executable} {tmp_path.parent}/program{number}.py"]
        done = subprocess.run(
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", " && ".join(script)],
            capture_output=True,
            text=True,
            check=False,
        )
        if "unshare" in done.stderr or "mount" in done.stderr:
            pytest.skip(f"no file systems can be mounted here: {done.stderr.strip()}")
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


def test_on_a_read_only_disk_results_are_found_counted_and_computed(disk: Disk) -> None:
    lines = disk(
        "print(square(3), square(4))",
        "print(*told(lambda: (square(3), square(5))))\n"
        "stats = memory.stats()\n"
        "print(stats.hits, stats.misses, stats.entries)\n"
        "print(len(list(memory.entries())))",
        between="mount -o remount,ro .",
    )

    assert lines == [
        "9 16",
        (
            "(9, 25) ['results are computed but not kept', "
            "'results are found, but their use is not noted']"
        ),
        "1 1 2",
        "2",
    ]


FULL = """
memory.stats()  # makes all that is needed beside the results
with open("filler", "wb", buffering=0) as filler:
    for size in (4096, 1):
        try:
            while filler.write(bytes(size)):
                pass
        except OSError:
            pass
"""


def test_on_a_full_disk_results_are_computed_and_not_kept(disk: Disk) -> None:
    lines = disk("large(1)" + FULL, "print(told(lambda: [len(large(x)) for x in (2, 3, 2)]))")

    assert lines == ["([500001, 500001, 500001], ['results are computed but not kept'])"]


def test_on_a_full_disk_nobody_waits_for_what_will_not_be_kept(disk: Disk) -> None:
    # The computation asks for the same from another process, and would wait for ever.
    lines = disk(
        "large(1)" + FULL,
        """
import subprocess, sys

@memory.cache(version=1)
def from_a_child(x):
    if "child" in sys.argv:
        return "computed"
    return subprocess.run(
        [sys.executable, sys.argv[0], "child"], check=True, capture_output=True, text=True
    ).stdout.split()[0]

print(*told(lambda: from_a_child(1)))
""",
    )

    assert lines == ["computed ['results are computed but not kept']"]
