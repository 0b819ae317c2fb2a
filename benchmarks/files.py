"""What dumping and loading takes: the time, and the memory.

``persistence.py`` prints it. As a program of its own it tells what memory one contestant needs to
dump one value, on Linux::

    python benchmarks/files.py VALUE CONTESTANT [--quick]
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import fanfold
import joblib
import numpy as np
import pandas as pd
from measure import Case, markdown

COMPRESSIONS: dict[str, Any] = {"zlib": ("zlib", 3), "lz4": ("lz4", 3), "xz": ("xz", 1)}


@dataclass(frozen=True)
class Format:
    """A way to keep an object in a file."""

    dump: Callable[[Any, Path], object]
    load: Callable[[Path], object]


def cases(folder: Path, shrink: int, repetitions: int) -> Iterator[Case]:
    """Yield two rows for each value: it is dumped, and it is loaded."""
    for name, make in values(shrink).items():
        yield from _cases(name, make(), FORMATS, folder, repetitions)
    steps = np.random.default_rng(0).integers(-3, 4, 2_500_000 // shrink)
    for method, compress in COMPRESSIONS.items():
        peers = {
            "fanfold": Format(partial(fanfold.dump, compress=compress), fanfold.load),
            "joblib": Format(partial(joblib.dump, compress=compress), joblib.load),
        }
        name = f"an array of {20 // shrink} MB, {method}"
        yield from _cases(name, steps.cumsum(), peers, folder, repetitions)


def _cases(
    name: str, value: Any, formats: dict[str, Format], folder: Path, repetitions: int
) -> Iterator[Case]:
    paths = {peer: folder / f"{len(list(folder.iterdir()))}-{peer}" for peer in formats}
    if not isinstance(value, np.ndarray):
        paths.pop("numpy", None)
    for peer, path in paths.items():
        formats[peer].dump(value, path)
    dump: dict[str, Callable[[], object]] = {
        peer: partial(formats[peer].dump, value, path) for peer, path in paths.items()
    }
    load: dict[str, Callable[[], object]] = {
        peer: partial(formats[peer].load, path) for peer, path in paths.items()
    }
    if "pickle" in formats:
        written = paths["fanfold"].read_bytes()
        paths["limit"] = folder / "plain"
        dump["limit"] = partial(write, written, paths["limit"])
        load["limit"] = partial(read_into_new_memory, paths["fanfold"])
    # Each writes a new file: else the disk would be busy with the last ones.
    setup: dict[str, Callable[[], object]] = {
        peer: partial(path.unlink, missing_ok=True) for peer, path in paths.items()
    }
    yield Case(f"dump {name}", dump, repetitions, setup=setup)
    yield Case(f"load {name}", load, repetitions)
    for path in paths.values():
        path.write_bytes(b"")  # the name stays taken


def values(shrink: int) -> dict[str, Callable[[], Any]]:
    """Return what makes the values that are dumped and loaded."""
    n_dicts, n_arrays, n_megabytes = 100_000 // shrink, 10_000 // shrink, 200 // shrink
    return {
        f"{n_dicts:,} small dicts": partial(small_dicts, n_dicts),
        f"{n_arrays:,} small arrays": partial(small_arrays, n_arrays),
        f"an array of {n_megabytes} MB": partial(array, n_megabytes),
    }


def watched_values(shrink: int) -> dict[str, Callable[[], Any]]:
    """Return what makes the values that are dumped while the memory is watched."""
    large = partial(array, 200 // shrink)
    return {
        **values(shrink),
        "its every second column": lambda: large()[:, ::2],
        "it, masked": lambda: np.ma.array(large(), mask=False),
        "a frame of it": lambda: pd.DataFrame(large()),
    }


def small_dicts(count: int) -> object:
    """Return many small dictionaries."""
    return [{"id": i, "name": f"item {i}", "score": i / 7} for i in range(count)]


def small_arrays(count: int) -> object:
    """Return many small arrays."""
    return [np.arange(10.0) + i for i in range(count)]


def array(n_megabytes: int) -> Any:
    """Return a large array."""
    return np.random.default_rng(0).random((n_megabytes * 1250, 100))


def peaks(quick: bool, only: str) -> str:
    """Return a table of the memory that dumping takes; nothing where it cannot be told."""
    if sys.platform != "linux":
        return ""
    title = "peak memory of a dump, beyond the value"
    names = [name for name in watched_values(10 if quick else 1) if only in f"{title} {name}"]
    if not names:
        return ""
    cells = [[name, *(_peak(name, peer, quick) for peer in PEERS)] for name in names]
    return markdown([[title, *PEERS], *cells])


def _peak(name: str, peer: str, quick: bool) -> str:
    command = [sys.executable, __file__, name, peer, *(["--quick"] if quick else [])]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def peak(make: Callable[[], object], format: Format) -> str:
    """Return how much memory a dump takes beyond the value, and what part of the value that is."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "value")
        format.dump(small_arrays(100), path)  # what a first time takes, such as imports
        without = megabytes("VmRSS")
        value = make()
        before = megabytes("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the highest begins anew
        format.dump(value, path)
        beyond = max(megabytes("VmHWM") - before, 0.0)
    return f"{beyond:.1f} MB ({beyond / (before - without):.0%})"


def megabytes(what: str) -> float:
    """Return an entry of the process's status."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[what].split()[0]) / 1024


def write(data: bytes, path: Path) -> None:
    """Write a file, and nothing else."""
    with path.open("wb", buffering=0) as file:
        file.write(data)


def read_into_new_memory(path: Path) -> object:
    """Read a file into memory that, as that of a loaded array, was not there before."""
    room = np.empty(path.stat().st_size, "u1")
    with path.open("rb", buffering=0) as file:
        file.readinto(room.data)
    return room


def pickle_dump(value: object, path: Path) -> None:
    """Write a pickle of the newest protocol."""
    with path.open("wb") as file:
        pickle.dump(value, file, protocol=pickle.HIGHEST_PROTOCOL)


def pickle_load(path: Path) -> object:
    """Read a pickle."""
    with path.open("rb") as file:
        return pickle.load(file)


def numpy_dump(value: Any, path: Path) -> None:
    """Write a file of numpy's."""
    with path.open("wb") as file:
        np.save(file, value)


PEERS = {
    "fanfold": Format(fanfold.dump, fanfold.load),
    "joblib": Format(joblib.dump, joblib.load),
    "pickle": Format(pickle_dump, pickle_load),
}
FORMATS = {**PEERS, "numpy": Format(numpy_dump, np.load)}


def main() -> None:
    """Print the memory that a contestant takes to dump a value."""
    name, peer, *rest = sys.argv[1:]
    print(peak(watched_values(10 if rest else 1)[name], PEERS[peer]))


if __name__ == "__main__":
    main()
