"""The hashes that are promised: a changed one makes every cache that was ever written useless.

`vectors.json` holds the expected hash of each value below. Add to it; never change what is there.
`python test_hashing_vectors.py` prints the file anew from the values, as far as their libraries are
installed.
"""

import collections
import datetime
import enum
import functools
import importlib.util
import json
import math
import operator
import os
import pathlib
import random
import re
import subprocess
import sys
import zoneinfo
from array import array
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from fanfold.hashing import hash

VECTORS = pathlib.Path(__file__).with_name("vectors.json")


class Colour(enum.Enum):
    RED = 1


@dataclass
class Settings:
    name: str
    size: int = 3


Point = collections.namedtuple("Point", "x y")


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a):
        self.a = a


# So that they are called the same here, under pytest and in a subprocess.
for kind in (Colour, Settings, Point, Slotted):
    kind.__module__ = "vectors"


def ring():
    items = [1, {"a": 2.5}]
    items.append(items)
    return items


def tables():
    import pandas as pd

    # Names and categories are numbers, because pandas 3 gave text another dtype.
    frame = pd.DataFrame({1: [1, 2], 2: [0.5, math.nan], 3: pd.Categorical([5, 6])})
    days = pd.to_datetime(["2020-01-02", "2021-03-04"]).astype("M8[ns]")
    mixed = pd.Series([1, "a", None, math.nan, pd.NA, pd.NaT, (1, {2})], dtype=object)
    words = ["a", None, "grün"]
    return {
        "frame": frame,
        "frame in two parts": pd.concat([frame[:1], frame[1:]]),
        "series": frame[1].rename("a"),
        "index": pd.Index([1, 2, 3]),
        "range index": pd.RangeIndex(1, 4),
        "multi index": pd.MultiIndex.from_product([[1], [2, 3]], names=["a", "b"]),
        "masked integers": pd.array([1, None], dtype="Int64"),
        "masked truth values": pd.array([True, None], dtype="boolean"),
        "masked floats": pd.array([1.5, None], dtype="Float32"),
        "dates": pd.Series(days),
        "dates with zone": pd.Series(days.tz_localize("UTC")),
        "intervals": pd.arrays.IntervalArray.from_breaks([1, 2, 3]),
        "periods": pd.period_range("2020", periods=2, freq="D"),
        "sparse": pd.arrays.SparseArray([0.0, 0.0, 1.5]),
        "text": pd.array(words, dtype=pd.StringDtype("python")),
        "objects": mixed,
        "ordered categories": pd.Categorical([1], [2, 1], ordered=True),
        "many columns": pd.DataFrame(np.arange(60.0).reshape(2, 30)),
        "empty frame": pd.DataFrame(index=pd.RangeIndex(0), columns=pd.RangeIndex(0)),
    }


def sparse_matrices():
    import scipy.sparse

    return {
        "csr": scipy.sparse.csr_matrix(np.eye(3)),
        "coo": scipy.sparse.coo_array(np.eye(3)),
    }


def arrow_tables():
    import pyarrow as arrow

    days = [datetime.date(2020, 1, 2), None]
    return {
        "table": arrow.table({"a": [1, None, 3], "b": ["x", None, "grün"], "c": [0.5, 1.5, None]}),
        "chunks": arrow.chunked_array([[0.5], [math.nan, None]]),
        "list": arrow.array([[1], None, [], [2, None]]),
        "struct": arrow.array([{"a": 1, "b": "x"}, None]),
        "dictionary": arrow.array(["a", "b", "a"]).dictionary_encode(),
        "truth values": arrow.array([True, None, False]),
        "dates": arrow.array(days),
        "times": arrow.array([1, None], arrow.timestamp("ns", "UTC")),
        "decimals": arrow.array([Decimal("1.50"), None]),
        "bytes": arrow.array([b"ab", b"cd"], arrow.binary(2)),
        "map": arrow.array([[("a", 1)], None], arrow.map_(arrow.string(), arrow.int64())),
        "nulls": arrow.nulls(3),
        "scalar": arrow.scalar(1),
    }


def polars_frames():
    import polars

    moment = datetime.datetime(2020, 1, 2)
    return {
        "frame": polars.DataFrame({"a": [1, None, 3], "b": ["x", None, "grün"]}),
        "floats": polars.Series("c", [0.5, math.nan, None]),
        "list": polars.Series([[1], None, [], [2, None]]),
        "struct": polars.Series([{"a": 1, "b": "x"}, None]),
        "categories": polars.Series(["a", "b", "a"], dtype=polars.Categorical),
        "times": polars.Series([moment, None]),
        "truth values": polars.Series([True, None]),
    }


def tensors():
    import torch

    grid = torch.arange(12.0).reshape(3, 4)
    return {
        "grid": grid,
        "transposed": grid.T,
        "bfloat16": grid.bfloat16(),
        "integers": torch.arange(3),
        "nan": torch.tensor([math.nan, -math.nan]),
        "parameter": torch.nn.Parameter(grid),
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
        "nan": np.array([math.nan, -math.nan, 1.0]),
        "minus zero": np.array([-0.0]),
        "float16": np.array([1.5, math.nan, -math.inf], "<f2"),
        "complex": np.array([1 + 2j, complex(math.nan, 1)], "<c16"),
        "many blocks": np.arange(3_000_000, dtype="<f4"),
        "many blocks of columns": np.arange(3_000_000, dtype="<i4").reshape(1500, 2000).T,
        "generator": np.random.default_rng(3),
        "philox": np.random.Generator(np.random.Philox(3)),
        "random state": np.random.RandomState(3),
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
        "built-in method": "a".upper,
        "slots": Slotted([1]),
        "named tuple": Point(1, 2.5),
        "partial": functools.partial(max, 1, key=len),
        "item getter": operator.itemgetter(1, 2),
        "exception": ValueError("a", 1),
        "random": random.Random(3),
        "frozen": frozenset({frozenset({1, 2}), ("a", frozenset({None}))}),
    }


GROUPS = {
    plain_values: "fanfold",
    objects: "fanfold",
    arrays: "numpy",
    tables: "pandas",
    sparse_matrices: "scipy",
    arrow_tables: "pyarrow",
    polars_frames: "polars",
    tensors: "torch",
}
"""What makes values, and the library that it needs."""


def digests(group):
    return {f"{group.__name__}/{name}": hash(value) for name, value in group().items()}


def digests_by_name():
    nested = plain_values()["nested"]
    long = arrays()["many blocks"]
    names = ("xxh3_64", "md5", "sha1", "sha256", "blake2b")
    return {name: hash(nested, name) for name in names} | {
        f"{name} of many blocks": hash(long, name) for name in names
    }


def all_digests():
    found = digests_by_name()
    for group, library in GROUPS.items():
        if importlib.util.find_spec(library) is not None:
            found |= digests(group)
    return found


def promised(found):
    """Return what is promised for the values of these names."""
    vectors = json.loads(VECTORS.read_text())
    return {name: vectors.get(name) for name in found}


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.__name__)
def test_hashes_are_those_that_were_promised(group):
    pytest.importorskip(GROUPS[group])

    found = digests(group)

    assert found == promised(found)


def test_hashes_of_every_name_are_those_that_were_promised():
    found = digests_by_name()

    assert found == promised(found)


@pytest.mark.parametrize("seed", ["0", "1", "12345"])
def test_hashes_do_not_depend_on_the_process_and_its_hash_seed(seed):
    environment = {**os.environ, "PYTHONHASHSEED": seed}

    printed = subprocess.run(
        [sys.executable, __file__], env=environment, capture_output=True, check=True
    ).stdout

    found = json.loads(printed)
    assert found == promised(found)


if __name__ == "__main__":
    json.dump(all_digests(), sys.stdout, indent=1)
    print()
