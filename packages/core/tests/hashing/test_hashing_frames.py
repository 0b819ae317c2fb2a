"""`hash` of tables: pandas, scipy's sparse matrices, polars and arrow, by value."""

import math

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from fanfold.errors import UnhashableValueError
from fanfold.hashing import hash


def frame():
    return pd.DataFrame(
        {"a": np.arange(6.0), "b": np.arange(6), "c": list("xyzxyz"), "d": np.arange(6.0) * 2}
    )


def rebuilt_by_columns():
    table = pd.DataFrame(index=range(6))
    for name, column in frame().items():
        table[name] = column.to_numpy()
    return table


@pytest.mark.parametrize(
    "same",
    [
        lambda: pd.concat([frame()[:2], frame()[2:]]),
        lambda: pd.concat([frame()[["a", "b"]], frame()[["c", "d"]]], axis=1),
        lambda: frame()[["d", "c", "b", "a"]][["a", "b", "c", "d"]],
        lambda: frame().iloc[::-1].iloc[::-1],
        lambda: frame().set_axis(pd.Index([0, 1, 2, 3, 4, 5])),
        rebuilt_by_columns,
    ],
)
def test_blocks_and_layout_of_a_frame_do_not_count(same):
    assert hash(same()) == hash(frame())


@pytest.mark.parametrize(
    "other",
    [
        lambda: frame()[["b", "a", "c", "d"]],
        lambda: frame().rename(columns={"a": "z"}),
        lambda: frame().rename_axis("rows"),
        lambda: frame().astype({"b": "f8"}),
        lambda: frame().astype({"b": "Int64"}),
        lambda: frame().astype({"c": "category"}),
        lambda: frame().astype({"c": "string"}),
        lambda: frame().set_index("b"),
        lambda: frame().set_index(["b", "c"]),
        lambda: frame()[:5],
        lambda: frame().replace({"c": {"x": "w"}}),
        lambda: frame().replace({"a": {0.0: np.nan}}),
        lambda: frame()["a"],
        lambda: frame().columns,
        lambda: frame().to_dict(),
    ],
)
def test_names_dtypes_and_values_of_a_frame_count(other):
    assert hash(other()) != hash(frame())
    assert hash(other()) == hash(other())


def test_attributes_of_a_frame_and_of_its_subclasses_count():
    class Located(pd.DataFrame):
        _metadata = ["place"]  # noqa: RUF012  this is how pandas wants it

    here, there, noted = Located(frame()), Located(frame()), frame()
    here.place, there.place = "here", "there"
    noted.attrs["source"] = "survey"

    assert len({hash(here), hash(there), hash(noted), hash(frame())}) == 4


DIFFERENT = [
    *(pd.Series([1, 2]), pd.Series([1, 2], name="a"), pd.Series([1, 2], index=[1, 2])),
    *(pd.array([1, 2]), pd.array([1, None]), pd.array([0, None]), pd.array([True, None])),
    *(pd.array([1.5, None]), pd.array(["a", None]), pd.array(["a", "None"]), pd.array(["a", "b"])),
    *(
        pd.Categorical(["a", "b"]),
        pd.Categorical(["b", "a"]),
        pd.Categorical(["a", "b"], ["b", "a"]),
    ),
    *(pd.Categorical(["a", "b"], ordered=True), pd.arrays.SparseArray([0, 1]), pd.Series([0, 1])),
    *(pd.date_range("2020", periods=2), pd.date_range("2020", periods=2, tz="UTC")),
    *(pd.date_range("2020", periods=2, tz="Europe/Berlin"), pd.period_range("2020", periods=2)),
    *(pd.period_range("2020", periods=2, freq="M"), pd.interval_range(0, 2), pd.RangeIndex(2)),
    *(pd.MultiIndex.from_product([[1], [2, 3]]), pd.MultiIndex.from_product([[1], [2, 4]])),
    *(pd.Index([1.0, 2.0]), pd.Index(["a", "b"]), pd.Index([0, 1], name="a"), pd.RangeIndex(3)),
    *(pd.Timestamp(0), pd.Timestamp(1), pd.Timestamp(0, tz="UTC"), pd.Timedelta(0), pd.NaT, pd.NA),
    *(pd.Interval(0, 1), pd.Interval(0, 2), pd.CategoricalDtype(["a"]), pd.CategoricalDtype(["b"])),
    *(scipy.sparse.csr_matrix(np.eye(3)), scipy.sparse.csc_matrix(np.eye(3))),
    *(scipy.sparse.csr_array(np.eye(3)), scipy.sparse.csr_matrix(np.eye(3) * 2)),
    *(scipy.sparse.csr_matrix(np.eye(3, 4)), scipy.sparse.csr_matrix(np.eye(3, dtype="f4"))),
    scipy.sparse.dok_matrix(np.eye(3)),
]


def test_different_tables_have_different_hashes():
    hashes = {}
    for value in DIFFERENT:
        hashes.setdefault(hash(value), []).append(value)

    assert [same for same in hashes.values() if len(same) > 1] == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pd.RangeIndex(3), pd.Index([0, 1, 2])),
        (pd.array([1, None, 3])[::2], pd.array([1, 3])),
        (pd.MultiIndex.from_product([[1, 2], [3]])[:1], pd.MultiIndex.from_product([[1], [3]])),
        (pd.Categorical(["a", "b", "a"])[::2], pd.Categorical(["a", "a"], ["a", "b"])),
    ],
    ids=lambda value: type(value).__name__,
)
def test_equal_tables_have_equal_hashes(one, other):
    assert hash(one) == hash(other)


def test_what_a_mask_hides_does_not_count():
    missing = np.array([False, True])

    one, other = (pd.arrays.IntegerArray(np.array([1, n]), missing) for n in (5, 7))

    assert hash(one) == hash(other)


def test_entries_of_a_sparse_matrix_count_in_any_order():
    rows, columns, values = [0, 1, 1, 1], [1, 0, 2, 2], [1.0, 2.0, 3.0, 4.0]
    one = scipy.sparse.coo_matrix((values, (rows, columns)))
    other = scipy.sparse.coo_matrix((values[::-1], (rows[::-1], columns[::-1])))

    assert hash(one) == hash(other)
    assert one.nnz == 4  # hashing has not merged the entries of the matrix itself


def test_polars_counts_dtypes_and_values():
    polars = pytest.importorskip("polars")
    table = polars.DataFrame({"a": [1, 2, None], "b": ["x", "y", "z"], "c": [0.5, 1.5, 2.5]})

    assert hash(polars.concat([table[:1], table[1:]])) == hash(table)
    assert hash(table["a"]) == hash(table["a"].clone())
    assert len({hash(table), hash(table[:2]), hash(table["a"]), hash(table["c"])}) == 4
    assert hash(table) != hash(table.with_columns(polars.col("a").cast(polars.Int32)))
    with pytest.raises(UnhashableValueError, match="collect"):
        hash(table.lazy())


def test_arrow_counts_types_and_values():
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table({"a": [1, 2, None], "b": ["x", "y", "z"], "c": [0.5, 1.5, 2.5]})

    assert hash(arrow.concat_tables([table[:1], table[1:]])) == hash(table)
    assert hash(table["c"]) == hash(arrow.chunked_array([[0.5], [1.5, 2.5]]))
    assert hash(arrow.array([1, 2, 3])[1:]) == hash(arrow.array([2, 3]))
    assert len({hash(table), hash(table[:2]), hash(table["a"]), hash(arrow.scalar(1))}) == 4
    assert hash(arrow.array([1])) != hash(arrow.array([1], arrow.int32()))


def test_torch_counts_dtype_shape_and_values():
    torch = pytest.importorskip("torch")
    tensor = torch.arange(12.0).reshape(3, 4)

    assert hash(tensor.T) == hash(tensor.T.contiguous())
    assert len({hash(tensor), hash(tensor.T), hash(tensor.half()), hash(tensor.numpy())}) == 4
    assert hash(tensor.bfloat16()) != hash(tensor.half())
    assert hash(tensor.requires_grad_()) != hash(tensor.detach()) == hash(tensor.detach().clone())
    assert hash(torch.conj(tensor + 1j)) == hash(torch.conj(tensor + 1j).resolve_conj())
    assert hash(torch.tensor(math.nan).bfloat16()) == hash(torch.tensor(-math.nan).bfloat16())
    with pytest.raises(UnhashableValueError, match="cpu"):
        hash(tensor.to_sparse())
