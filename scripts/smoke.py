"""Build every distribution and try each wheel in an environment of its own.

Run it with the Python of ``.venv``. It prints one line for each check and ends with exit code 1 if
one failed. Everything happens in a temporary directory.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UV = [sys.executable, "-m", "uv"]

CORE = """
import tempfile
from pathlib import Path

import fanfold
from fanfold import Memory, Parallel, delayed, dump, load

def square(x):
    return x * x

if __name__ == "__main__":
    for backend in ("processes", "threads", "sequential"):
        squares = Parallel(n_jobs=2, backend=backend)(delayed(square)(i) for i in range(20))
        assert squares == [i * i for i in range(20)], backend
    with tempfile.TemporaryDirectory() as directory:
        cached = Memory(directory, verbose=0).cache(square)
        assert cached(7) == 49
        assert cached.check_call_in_cache(7)
        file = Path(directory, "value.fan")
        dump({"a": [1, 2]}, file)
        assert load(file) == {"a": [1, 2]}
    try:
        import numpy
    except ImportError:
        pass
    else:
        raise AssertionError("numpy is importable here: this proves nothing about core alone")
"""
DASK = """
from distributed import Client, LocalCluster
from fanfold import Parallel, delayed

if __name__ == "__main__":
    cluster = LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None)
    with cluster, Client(cluster):
        assert Parallel(n_jobs=2, backend="dask")(delayed(abs)(-i) for i in range(9)) == [*range(9)]
"""
RAY = """
import ray
from fanfold import Parallel, delayed

if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    assert Parallel(n_jobs=2, backend="ray")(delayed(abs)(-i) for i in range(9)) == [*range(9)]
    ray.shutdown()
"""
S3 = """
from fanfold.contracts import Store
from fanfold.plugins import stores

assert issubclass(stores.for_location("s3://bucket/prefix"), Store)
"""


@dataclass(frozen=True)
class Trial:
    """A wheel, what is installed of it, and a program that must succeed there."""

    requirement: str
    wheels: tuple[str, ...]
    program: str


TRIALS = (
    Trial("fanfold", ("fanfold",), CORE),
    Trial("fanfold[dask]", ("fanfold", "fanfold_dask"), DASK),
    Trial("fanfold[ray]", ("fanfold", "fanfold_ray"), RAY),
    Trial("fanfold[s3]", ("fanfold", "fanfold_s3"), S3),
)
DISTRIBUTIONS = ("fanfold", "fanfold_dask", "fanfold_ray", "fanfold_s3")


def main() -> int:
    """Run every check and return the exit code of the process."""
    failures = 0
    with tempfile.TemporaryDirectory(prefix="fanfold-smoke-") as directory:
        built = Path(directory, "built")
        try:
            run([*UV, "build", "--all-packages", "--out-dir", built], cwd=ROOT)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            print(error.stdout)
            return report("build", [str(error)])
        for distribution in DISTRIBUTIONS:
            failures += report(f"wheel {distribution}", faults_of_wheel(built, distribution))
            failures += report(f"sdist {distribution}", faults_of_sdist(built, distribution))
        for trial in TRIALS:
            failures += report(f"works {trial.requirement}", faults_of_trial(built, trial))
    print(f"smoke: {failures} failed" if failures else "smoke: everything works")
    return 1 if failures else 0


def report(check: str, faults: list[str]) -> bool:
    """Print the line of one check and return whether it failed."""
    print(f"{check:24}{'; '.join(faults) or 'ok'}", flush=True)
    return bool(faults)


def faults_of_wheel(built: Path, distribution: str) -> list[str]:
    """Return what a wheel lacks."""
    [wheel] = built.glob(f"{distribution}-*-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        information = f"{'-'.join(wheel.name.split('-')[:2])}.dist-info"
        metadata = archive.read(f"{information}/METADATA").decode()
    expected = {
        f"{distribution}/__init__.py",
        f"{distribution}/py.typed",
        f"{information}/entry_points.txt",
        f"{information}/licenses/LICENSE",
    }
    strangers = {name for name in names if not name.startswith((f"{distribution}/", information))}
    return [
        *(f"lacks {name}" for name in sorted(expected - names)),
        *(f"holds {name}" for name in sorted(strangers)),
        *faults_of_metadata(metadata),
    ]


def faults_of_metadata(text: str) -> list[str]:
    """Return what a distribution does not say of itself."""
    metadata = HeaderParser().parsestr(text)
    wanted = ("Name", "Version", "Summary", "License-Expression", "Requires-Python", "Classifier")
    faults = [f"METADATA lacks {field}" for field in wanted if not metadata[field]]
    if metadata["License-Expression"] != "BSD-3-Clause":
        faults.append(f"is under {metadata['License-Expression']}")
    if not str(metadata.get_payload()).strip():
        faults.append("METADATA lacks the README")
    return faults


def faults_of_sdist(built: Path, distribution: str) -> list[str]:
    """Return what a source distribution lacks."""
    [sdist] = built.glob(f"{distribution}-*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    expected = {"pyproject.toml", "README.md", "LICENSE", f"src/{distribution}/__init__.py"}
    faults = [f"lacks {name}" for name in sorted(expected - names)]
    if not any(name.startswith("tests/") for name in names):
        faults.append("lacks the tests")
    return faults


def faults_of_trial(built: Path, trial: Trial) -> list[str]:
    """Install a wheel in a fresh environment, run its program there and return what went wrong."""
    home = built.parent / trial.requirement.replace("[", "-").rstrip("]")
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    # By file, not by name: a registry may hold a distribution of the same name.
    extra = trial.requirement.removeprefix("fanfold")
    wheels = {name: next(built.glob(f"{name}-*.whl")) for name in trial.wheels}
    requirements = [
        f"{name.replace('_', '-')}{extra if name == 'fanfold' else ''} @ {wheel.as_uri()}"
        for name, wheel in wheels.items()
    ]
    program = built.parent / "program.py"
    program.write_text(trial.program)
    try:
        run([*UV, "venv", "--quiet", "--python", sys.executable, home])
        run([*UV, "pip", "install", "--quiet", "--python", python, *requirements])
        run([python, program], cwd=built.parent)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(error.stdout)
        return [str(error)]
    return []


def run(command: list[str | Path], cwd: Path | None = None) -> None:
    """Run a command in an environment that knows nothing of the one we run in.

    Its output is of interest only if it fails, and is then a part of the error.
    """
    hidden = ("PYTHONPATH", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )


if __name__ == "__main__":
    sys.exit(main())
