"""Every example runs without a warning, and prints what its docstring promises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
OF_THE_SWEEP = "digits_sweep.py"
ARGUMENTS = {"streaming_memory.py": ["--results", "100", "--megabytes", "8"]}
PROMISES = {
    "accumulate.py": [r"the sum is 1\d\d\.\d after \d+ rounds on [12] workers"],
    "cached_arrays.py": [
        r"\Acomputing 20 points for each of 1000 samples\ncomputed in",
        r"an array of 160,000 bytes, a reference of \d{2,3}\n",
        r"after clear\(\): .*interpolate",
    ],
    "cached_methods.py": [
        r"two directions:\nfactorising a matrix of 400 x 50\nfive directions",
        r"five directions of the same points:\ntwo directions",
        r"two directions of other points:\nfactorising a matrix of 300 x 50\n\Z",
    ],
    "dump_and_load.py": [
        *(rf" {method} +[\d,]+ bytes" for method in ("zlib", "gzip", "bz2", "lzma", "xz", "lz4")),
        r" zstd +[\d,]+ bytes",
        r"mapped, not read: an array of 1,600,000 bytes",
        r"through an open file, compressed by the program itself: equal",
    ],
    "filled_in_place.py": [
        r"plain array, processes: 0 numbers arrived",
        *(
            rf"shared array, {backend}: 36 numbers arrived"
            for backend in ("processes", "threads", "sequential")
        ),
    ],
    "mapped_array.py": [r"summed 2,000 rows of a file of 16,000,000 bytes"],
    "shared_set.py": [
        r"on processes, each filled its own: \[\]",
        r"with shared memory: \[0, 1, 4, 9, 16\]",
        r"inside a configuration of processes: \[0, 1, 4, 9, 16, 25, 36\]",
    ],
    "streaming_memory.py": [
        r" generator_unordered, with slow tasks: +\d+ MB",
        r" generator, with slow tasks: +\d+ MB",
        r" generator, all tasks alike: +\d+ MB",
        r" list, all tasks alike: +8\d\d MB",
    ],
    "ten_naps.py": [r"10 naps of 1 s took \d+\.\d\d s"],
}


def test_every_example_has_a_test():
    assert {path.name for path in EXAMPLES.glob("*.py")} == {*PROMISES, OF_THE_SWEEP}


@pytest.mark.parametrize("name", PROMISES)
def test_an_example_shows_what_it_promises(name, new_program):
    printed = new_program().run(EXAMPLES / name, *ARGUMENTS.get(name, []))

    missing = [promise for promise in PROMISES[name] if not re.search(promise, printed)]
    assert not missing, printed
