"""What ``fanfold doctor`` looks at; each check only looks and leaves nothing behind."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .._cpu import cpu_count
from .._version import __version__
from ..errors import InvalidArgumentError
from ..plugins.listing import list_plugins

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_REQUIRED = ("cloudpickle", "pluggy", "xxhash")
_OPTIONAL = {
    "numpy": "numpy",
    "lz4": "fanfold[compression]",
    "zstandard": "fanfold[compression]",
    "rich": "fanfold[progress]",
    "matplotlib": "fanfold[plot]",
    "distributed": "fanfold[dask]",
    "ray": "fanfold[ray]",
    "obstore": "fanfold[s3]",
    "pytest": "fanfold[testing]",
    "hypothesis": "fanfold[testing]",
    "threadpoolctl": "threadpoolctl",
}
_SHARED_MEMORY = Path("/dev/shm")
_LITTLE_SHARED_MEMORY = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Attributes
    ----------
    check : str
        What was looked at.
    found : str
        What is there.
    status : str
        ``"ok"``, ``"absent"`` (and not needed), ``"low"`` or ``"broken"``.
    remark : str
        What to do, where there is something to do.
    """

    check: str
    found: str
    status: Literal["ok", "absent", "low", "broken"] = "ok"
    remark: str = ""


def examine(caches: Sequence[str]) -> list[Finding]:
    """Return what is found on this machine, in the order in which it reads best."""
    return [
        *_machine(),
        *_libraries(),
        *_shared_memory(_SHARED_MEMORY),
        _writable("temporary directory", Path(tempfile.gettempdir())),
        *(_writable("cache directory", Path(cache)) for cache in caches),
        *_plugins(),
    ]


def _machine() -> Iterator[Finding]:
    threading = "free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else "with the GIL"
    implementation = f"{platform.python_implementation()} {platform.python_version()}"
    yield Finding("fanfold", __version__)
    yield Finding("python", f"{implementation}, {threading}, {sys.executable}")
    yield Finding("platform", platform.platform())
    yield _cpus()


def _cpus() -> Finding:
    try:
        return Finding("cpus", f"{cpu_count()} usable of {os.cpu_count()}")
    except InvalidArgumentError as error:
        return Finding("cpus", f"{os.cpu_count()}", "broken", str(error))


def _libraries() -> Iterator[Finding]:
    for name in _REQUIRED:
        try:
            import_module(name)
        except ImportError as error:
            remark = f"fanfold needs it: pip install {name}"
            yield Finding(name, f"{type(error).__name__}: {error}", "broken", remark)
        else:
            yield Finding(name, _version(name))
    for name, requirement in _OPTIONAL.items():
        if find_spec(name) is None:
            yield Finding(name, "not installed", "absent", f'pip install "{requirement}"')
        else:
            yield Finding(name, _version(name))


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "of unknown version"


def _shared_memory(mount: Path) -> Iterator[Finding]:
    if not mount.is_dir():
        return
    free = shutil.disk_usage(mount).free
    found = f"{_size(free)} free"
    if free < _LITTLE_SHARED_MEMORY:
        remark = "large arrays travel through it; give a container more, as docker's --shm-size"
        yield Finding(str(mount), found, "low", remark)
    else:
        yield Finding(str(mount), found)


def _writable(what: str, directory: Path) -> Finding:
    check = f"{what} {directory}"
    # A cache directory is made on first use: then what counts is the nearest one that is there.
    existing = next(one for one in (directory, *directory.absolute().parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            free = shutil.disk_usage(existing).free
    except OSError as error:
        remark = "choose another directory, or put its permissions right"
        return Finding(check, f"cannot be written: {error}", "broken", remark)
    return Finding(check, f"writable, {_size(free)} free")


def _plugins() -> Iterator[Finding]:
    for report in list_plugins():
        check = f"{report.kind} {report.name}"
        origin = f"{report.distribution or '-'} {report.version or ''}".strip()
        if report.status == "broken":
            yield Finding(check, origin, "broken", report.problem or "")
        elif report.status == "not installed":
            yield Finding(check, "not installed", "absent", report.problem or "")
        else:
            yield Finding(check, origin, "ok", report.problem or "")


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 2**30:.1f} GiB" if n_bytes >= 2**30 else f"{n_bytes / 2**20:.0f} MiB"
