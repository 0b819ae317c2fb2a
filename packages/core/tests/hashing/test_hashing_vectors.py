"""The hashes that are promised: a changed one makes every cache that was ever written useless.

`vectors.json` holds the expected hash of each value below. Add to it; never change what is there.
`python test_hashing_vectors.py` prints the file anew from the values.
"""

import collections
import datetime
import enum
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import zoneinfo
from array import array
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from fanfold.hashing import hash

VECTORS = pathlib.Path(__file__).with_name("vectors.json")


class Colour(enum.Enum):
    RED = 1


@dataclass
class Settings:
    name: str
    size: int = 3


# So that they are called the same here, under pytest and in a subprocess.
Colour.__module__ = Settings.__module__ = "vectors"


def ring():
    items = [1, {"a": 2.5}]
    items.append(items)
    return items


def tables():
    # Names and categories are numbers, because pandas 3 gave text another dtype.
    frame = pd.DataFrame({1: [1, 2], 2: [0.5, math.nan], 3: pd.Categorical([5, 6])})
    days = pd.to_datetime(["2020-01-02", "2021-03-04"]).astype("M8[ns]")
    return {
        "frame": frame,
        "frame in two parts": pd.concat([frame[:1], frame[1:]]),
        "series": frame[1].rename("a"),
        "index": pd.Index([1, 2, 3]),
        "range index": pd.RangeIndex(1, 4),
        "multi index": pd.MultiIndex.from_product([[1], [2, 3]], names=["a", "b"]),
        "masked integers": pd.array([1, None], dtype="Int64"),
        "dates": pd.Series(days),
        "dates with zone": pd.Series(days.tz_localize("UTC")),
        "sparse": scipy.sparse.csr_matrix(np.eye(3)),
    }


def arrays():
    grid = np.arange(12, dtype="<f8").reshape(3, 4)
    large = np.arange(60_000, dtype="<i4").reshape(300, 200)
    words = np.array(["a", {1, 2}, None], dtype=object)
    return {
        "grid": grid,
        "grid transposed": grid.T,
        "strided": grid[::2, ::-1],
        "large": large,
        "large transposed": large.T,
        "big-endian": grid.astype(">f8"),
        "float32": grid.astype("<f4"),
        "bool": grid > 3,
        "empty": np.zeros((0, 3), "<f8"),
        "0-d": np.array(1.5),
        "text": np.array(["a", "bc"], dtype="<U2"),
        "bytes": np.array([b"a", b"bc"], dtype="S2"),
        "dates": np.array(["2020-01-02", "NaT"], dtype="<M8[D]"),
        "structured": np.array([(1, 2.5)], dtype=[("a", "<i4"), ("b", "<f8")]),
        "objects": words,
        "masked": np.ma.array(grid, mask=grid > 3, fill_value=-1.0),
        "float64": np.float64(1.5),
        "int8": np.int8(1),
        "scalar nan": np.float64("nan"),
        "dtype": np.dtype("<f8"),
    }


def plain_values():
    return {
        "none": None,
        "ellipsis": ...,
        "true": True,
        "int": 1,
        "negative": -7,
        "long": 2**200,
        "float": 1.0,
        "minus zero": -0.0,
        "nan": math.nan,
        "infinity": math.inf,
        "complex": 1 + 2j,
        "text": "1",
        "umlaut": "grün \N{SNOWMAN} \ud800",
        "bytes": b"1",
        "long bytes": bytes(range(256)) * 300,
        "bytearray": bytearray(b"1"),
        "memoryview": memoryview(b"1"),
        "list": [1, 2.5, "a", None, True],
        "tuple": (1, 2.5, "a", None, True),
        "floats": [0.5, math.nan, -math.inf] * 3,
        "nested": [[1], (2, [3]), {"a": [4]}],
        "dict": {"b": 1, "a": 2.5},
        "dict of ints": {3: "c", 1: "a"},
        "dict of anything": {None: 1, ("a", 1): [2], frozenset({"x", "y"}): 3},
        "dict of dicts": {"a": {"b": {"c": {1, 2}}}},
        "set": {"a", "b", "c"},
        "set of anything": {1, "a", (2, 3), None, frozenset({1.5, 2})},
        "frozenset": frozenset({3, 1, 2}),
        "empty": [[], (), {}, set(), frozenset(), "", b""],
        "ring": ring(),
    }


def objects():
    return {
        "array": array("d", [1.5]),
        "counter": collections.Counter("abca"),
        "date": datetime.date(2020, 1, 2),
        "datetime": datetime.datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=datetime.UTC),
        "zone": datetime.time(1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
        "timedelta": datetime.timedelta(days=1, microseconds=2),
        "dataclass": Settings("a"),
        "decimal": Decimal("1.10"),
        "defaultdict": collections.defaultdict(list, a=[1]),
        "deque": collections.deque([1, 2], maxlen=3),
        "enum": Colour.RED,
        "fraction": Fraction(1, 3),
        "ordered dict": collections.OrderedDict(b=1, a=2),
        "path": pathlib.PurePosixPath("a/b"),
        "pattern": re.compile("a.c", re.DOTALL),
        "range": range(1, 9, 2),
        "slice": slice(None, 3),
        "built-in class": dict,
        "built-in function": len,
    }


def digests():
    values = {
        f"{kind.__name__}/{name}": value
        for kind in (plain_values, objects, arrays, tables)
        for name, value in kind().items()
    }
    found = {name: hash(value) for name, value in values.items()}
    for hash_name in ("xxh3_64", "md5", "sha1", "sha256", "blake2b"):
        found[hash_name] = hash(values["plain_values/nested"], hash_name)
    return found


def test_hashes_are_those_that_were_promised():
    assert digests() == json.loads(VECTORS.read_text())


@pytest.mark.parametrize("seed", ["0", "1", "12345"])
def test_hashes_do_not_depend_on_the_process_and_its_hash_seed(seed):
    environment = {**os.environ, "PYTHONHASHSEED": seed}

    printed = subprocess.run(
        [sys.executable, __file__], env=environment, capture_output=True, check=True
    ).stdout

    assert json.loads(printed) == json.loads(VECTORS.read_text())


if __name__ == "__main__":
    json.dump(digests(), sys.stdout, indent=1)
    print()
