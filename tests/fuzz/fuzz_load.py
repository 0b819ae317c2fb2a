"""Fuzzes loading with atheris: ``python tests/fuzz/fuzz_load.py --inputs 1000000``.

atheris is not among the requirements of the tests: ``pip install atheris`` first, on Linux. Inputs
that reach new code are kept in the directory that ``--keep`` names; what is worth it goes to
``corpus/``, which the tests run through. A finding ends the run with a traceback, and its input is
written to the working directory. With ``PYTHONMALLOC=debug`` in the environment it also notices
what is written to memory where it must not be.
"""

from __future__ import annotations

import argparse
import faulthandler
import pickle
import resource
import sys
import tempfile
from pathlib import Path

import atheris

CORPUS = Path(__file__).with_name("corpus")
MEMORY = 4 << 30


def main() -> None:
    """Run the fuzzer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", metavar="N", type=int, default=100_000, help="how many to try")
    parser.add_argument("--longest", metavar="BYTES", type=int, default=2048, help="their length")
    parser.add_argument("--seed", metavar="NUMBER", type=int, default=0, help="0 for another one")
    parser.add_argument("--keep", metavar="DIRECTORY", help="where to keep inputs of interest")
    options = parser.parse_args()

    import numpy as np

    with atheris.instrument_imports(include=["fanfold.persistence"]):
        from target import check, seeds

    # A claim of more memory than this is a finding: MemoryError is no refusal.
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    faulthandler.enable()
    with tempfile.TemporaryDirectory() as temporary:
        beginning = Path(temporary, "seeds")
        beginning.mkdir()
        for number, seed in enumerate([*seeds(), *pickles(np)]):
            (beginning / str(number)).write_bytes(seed)
        kept = Path(options.keep or Path(temporary, "kept"))
        kept.mkdir(exist_ok=True)
        arguments = [
            sys.argv[0],
            f"-runs={options.inputs}",
            f"-max_len={options.longest}",
            f"-seed={options.seed}",
            "-timeout=20",
            "-print_final_stats=1",
            str(kept),
            str(beginning),
            str(CORPUS),
        ]
        atheris.Setup(arguments, check)
        atheris.Fuzz()


def pickles(np) -> list[bytes]:
    """Return pickles of all kinds, to be read as files, streams and bodies."""
    import collections
    import datetime
    import decimal

    values = [
        {"a": [1, 2.5, None, True], (1, 2): {3}, "text" * 80: b"bytes" * 60, 10**40: -1},
        [1j, range(3), slice(1, 2), bytearray(b"abc"), frozenset({1}), Ellipsis],
        [collections.OrderedDict(a=1), collections.Counter("ab"), collections.deque([1], 3)],
        [collections.defaultdict(list, {1: [2]}), decimal.Decimal("1.5")],
        [datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC), datetime.timedelta(1)],
        np.arange(6).reshape(2, 3),
        np.array([1, "x", None], dtype=object),
        np.array([(1, None)], dtype=[("a", "i4"), ("b", "O")]),
        np.zeros(2, [("a", "f8", (2, 3)), ("b", "U2")]),
        np.array(["2020-01-01"], dtype="M8[s]"),
        np.ma.array([1.0, 2.0], mask=[True, False]),
        np.matrix([[1, 2]]),
        np.rec.array([(1, 2.0)], dtype=[("a", int), ("b", float)]),
        [np.float64(1.5), np.add, np.float32, np.dtype("i4")],
        np.random.RandomState(1),
        np.random.default_rng(1),
    ]
    streams = [pickle.dumps(value, protocol) for value in values for protocol in range(6)]
    out_of_band = [pickle.dumps(value, 5, buffer_callback=[].append) for value in values]
    return [
        bytes([way]) + stream + b"\x30\x08\x08\x08"
        for stream in (*streams, *out_of_band)
        for way in (0, 1, 4, 6, 10, 11)
        if len(stream) < 2000
    ] + joblibs(values)


def joblibs(values: list[object]) -> list[bytes]:
    """Return files of joblib, where it is installed."""
    try:
        import joblib
    except ImportError:
        return []
    import io

    made = []
    for value in values:
        file = io.BytesIO()
        joblib.dump(value, file)
        if len(file.getvalue()) < 2000:
            made.extend(bytes([way]) + file.getvalue() for way in (0, 4, 7, 8, 10, 11))
    return made


if __name__ == "__main__":
    main()
