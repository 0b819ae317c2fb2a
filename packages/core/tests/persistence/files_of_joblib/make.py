"""Make `joblib-*.zip`: files that real versions of joblib wrote, each with a Python of its time.

    python packages/core/tests/persistence/files_of_joblib/make.py [VERSION ...]

It needs uv, which fetches the versions of joblib and numpy into environments that it keeps to
itself, and the versions of Python that it does not find and can still fetch.
"""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
# The last version of each series that changed how files are written, or that many have used.
VERSIONS = {
    "0.9.4": ("3.6", "1.13.3"),
    "0.10.3": ("3.6", "1.13.3"),
    "0.11": ("3.6", "1.13.3"),
    "0.12.5": ("3.6", "1.13.3"),
    "0.13.2": ("3.7", "1.16.6"),
    "0.14.1": ("3.7", "1.16.6"),
    "0.17.0": ("3.8", "1.19.5"),
    "1.0.1": ("3.8", "1.22.4"),
    "1.1.1": ("3.9", "1.22.4"),
    "1.2.0": ("3.10", "1.26.4"),
    "1.3.2": ("3.11", "1.26.4"),
    "1.4.2": ("3.12", "2.0.2"),
    "1.5.3": ("3.13", "2.3.4"),
    "1.6.0": ("3.13", "2.4.0"),
}


def main(versions):
    """Make the archives of some versions."""
    for version in versions:
        with tempfile.TemporaryDirectory() as folder:
            write(version, folder)
            pack(Path(folder), HERE / f"joblib-{version}.zip")


def write(joblib, folder):
    """Have a version of joblib write its files."""
    python, numpy = VERSIONS[joblib]
    libraries = [f"joblib=={joblib}", f"numpy=={numpy}", "lz4"]
    command = [shutil.which("uv"), "run", "--quiet", "--no-project", "--python", python]
    for library in libraries:
        command += ["--with", library]
    subprocess.run([*command, "python", HERE / "write.py", folder], check=True, cwd=folder)


def pack(folder, archive):
    """Pack files, without the times at which they were written."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.iterdir()):
            packed.writestr(zipfile.ZipInfo(path.name), path.read_bytes(), zipfile.ZIP_DEFLATED)
    print(f"{archive.name}: {archive.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:] or VERSIONS)
