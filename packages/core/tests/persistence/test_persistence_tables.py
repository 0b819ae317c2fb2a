"""Tables and other objects of libraries that keep their data in arrays or buffers of their own."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
from fanfold.persistence import dump, load


def frame():
    return pd.DataFrame(
        {
            "floats": np.arange(1000.0),
            "integers": np.arange(1000),
            "text": [f"word {n % 10}" for n in range(1000)],
            "kinds": pd.Categorical(["a", "b"] * 500),
            "days": pd.date_range("2020-01-01", periods=1000, tz="UTC"),
            "missing": pd.array([None, 1] * 500, dtype="Int64"),
            "objects": [None, (1, 2)] * 500,
        }
    )


def arrow():
    return pa.table({"a": np.arange(1000.0), "b": [str(n) for n in range(1000)]})


@pytest.mark.parametrize("mmap_mode", [None, "r", "c"])
@pytest.mark.parametrize(
    "make",
    [
        frame,
        lambda: frame().set_index(["kinds", "days"]),
        lambda: frame()[["floats", "integers"]][::2],
        lambda: frame().loc[:, ["floats"]].T,
    ],
)
def test_a_frame_comes_back_equal(make, mmap_mode, tmp_path):
    dump({"frame": make()}, tmp_path / "value")

    loaded = load(tmp_path / "value", mmap_mode=mmap_mode)["frame"]

    # pandas' own comparison would tell memory maps from arrays.
    assert loaded.equals(make())
    assert loaded.dtypes.equals(make().dtypes)
    assert loaded.index.equals(make().index)


@pytest.mark.parametrize("compress", [0, 3])
def test_series_and_indexes_come_back_equal(compress, tmp_path):
    table = frame()
    dump([table["days"], table.index, table["kinds"]], tmp_path / "value", compress=compress)

    days, index, kinds = load(tmp_path / "value")

    pd.testing.assert_series_equal(days, table["days"])
    pd.testing.assert_index_equal(index, table.index)
    pd.testing.assert_series_equal(kinds, table["kinds"])


def test_a_loaded_frame_can_be_changed(tmp_path):
    dump(frame(), tmp_path / "value")

    loaded = load(tmp_path / "value")
    loaded.loc[0, "floats"] = 7.0

    assert loaded["floats"].iloc[0] == 7.0


def test_the_columns_of_a_frame_are_mapped_without_a_copy(tmp_path):
    dump(frame()[["floats"]], tmp_path / "value")

    column = load(tmp_path / "value", mmap_mode="r")["floats"].to_numpy()

    while type(column) is np.ndarray and column.base is not None:
        column = column.base
    assert type(column) is np.memmap


@pytest.mark.parametrize("mmap_mode", [None, "r"])
@pytest.mark.parametrize(
    "make",
    [
        arrow,
        lambda: arrow().slice(10, 20),
        lambda: arrow()["b"],
        lambda: pa.array([1, None, 3]),
        lambda: arrow().to_batches()[0],
        lambda: arrow().schema,
    ],
)
def test_what_arrow_keeps_comes_back_equal(make, mmap_mode, tmp_path):
    dump([make()], tmp_path / "value")

    [loaded] = load(tmp_path / "value", mmap_mode=mmap_mode)

    assert type(loaded) is type(make())
    assert loaded.equals(make())


def test_a_buffer_of_arrow_comes_back_equal(tmp_path):
    dump(pa.py_buffer(b"abc"), tmp_path / "value")

    assert load(tmp_path / "value").to_pybytes() == b"abc"


def test_a_polars_frame_comes_back_equal(tmp_path):
    table = pl.DataFrame({"a": np.arange(1000.0), "b": [str(n) for n in range(1000)]})
    dump(table, tmp_path / "value")

    assert load(tmp_path / "value").equals(table)


@pytest.mark.parametrize("mmap_mode", [None, "r"])
@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "dia", "lil", "dok", "bsr"])
def test_a_sparse_matrix_comes_back_equal(kind, mmap_mode, tmp_path):
    matrix = scipy.sparse.random_array((50, 40), density=0.1, format=kind, rng=0)
    dump(matrix, tmp_path / "value")

    loaded = load(tmp_path / "value", mmap_mode=mmap_mode)

    assert type(loaded) is type(matrix)
    np.testing.assert_array_equal(loaded.toarray(), matrix.toarray())


@pytest.mark.parametrize("order", ["C", "F"])
def test_generators_and_scalars_of_numpy_come_back_equal(order, tmp_path):
    generator = np.random.default_rng(7)
    scalars = [np.float32(1.5), np.datetime64("2020-01-01"), np.str_("a"), np.bool_(True)]
    dump([generator, scalars, np.dtype([("a", "i4")]), order], tmp_path / "value")

    loaded, loaded_scalars, dtype, _ = load(tmp_path / "value")

    assert loaded.random() == generator.random()
    assert loaded_scalars == scalars
    assert [type(scalar) for scalar in loaded_scalars] == [type(scalar) for scalar in scalars]
    assert dtype == np.dtype([("a", "i4")])
