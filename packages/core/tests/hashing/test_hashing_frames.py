"""`hash` of tables: pandas, scipy's sparse matrices, polars and arrow, by value."""

import datetime
import math
import threading
from decimal import Decimal

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
    *(
        pd.Series(["a"], dtype="str"),
        pd.Series(["a"], dtype="string"),
        pd.Series(["a"], dtype=object),
    ),
    *(pd.Series([value], dtype=object) for value in (None, np.nan, pd.NA, pd.NaT)),
    *(pd.Series([0.0]), pd.Series([-0.0]), pd.Series([np.nan]), pd.Series([0.0], dtype="f4")),
    *(pd.Categorical(["a"], ["a"]), pd.Categorical(["a"], ["a", "b"])),
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
        (pd.Series([1.0, np.nan]), -pd.Series([-1.0, np.nan])),
        (pd.interval_range(0, 3)[1:], pd.interval_range(1, 3)),
        (pd.arrays.SparseArray([0, 0, 1])[1:], pd.arrays.SparseArray([0, 1])),
        (pd.array(["a", None]), pd.array(["a", None, "b"])[:2]),
        (pd.arrays.NumpyExtensionArray(np.arange(3)), pd.Series(range(3)).array),
    ],
    ids=lambda value: type(value).__name__,
)
def test_equal_tables_have_equal_hashes(one, other):
    assert hash(one) == hash(other)


@pytest.mark.parametrize("missing", [pd.NA, np.nan], ids=["string", "str"])
@pytest.mark.parametrize("words", [["a", "bc", ""], ["grün", None, "\N{SNOWMAN}"], [None], []])
def test_text_counts_the_same_in_the_memory_of_arrow_and_of_python(missing, words):
    pytest.importorskip("pyarrow")
    python, arrow = (
        pd.Series(words, dtype=pd.StringDtype(storage, na_value=missing))
        for storage in ("python", "pyarrow")
    )

    assert hash(python) == hash(arrow)
    assert hash(python) != hash(python.astype(object))


@pytest.mark.parametrize("dtype", ["int64[pyarrow]", "bool[pyarrow]", "double[pyarrow]"])
def test_columns_of_arrow_types_count_by_value(dtype):
    pytest.importorskip("pyarrow")
    column = pd.Series([1, None, 0], dtype=dtype)

    assert hash(column) == hash(pd.concat([column[:1], column[1:]]))
    assert len({hash(column), hash(column.dropna()), hash(pd.Series([1, None, 0]))}) == 3


@pytest.mark.parametrize("n_columns", [3, 30])
@pytest.mark.parametrize("n_rows", [2, 5_000])
def test_columns_count_the_same_in_one_block_and_in_many(n_columns, n_rows):
    whole = pd.DataFrame(np.random.default_rng(0).random((n_rows, n_columns)))
    whole[1] = whole[1] > 0.5
    parts = pd.concat([whole[[name]].copy() for name in whole], axis=1)

    assert hash(parts) == hash(whole)
    assert hash(whole) != hash(whole[list(whole)[::-1]].set_axis(list(whole), axis=1))


def test_columns_of_one_name_count_in_their_order():
    twice = pd.DataFrame([[1, "a", 2, "b"]], columns=["n", "t", "n", "t"])

    assert hash(twice) == hash(twice.copy())
    assert hash(twice) != hash(twice.iloc[:, [2, 1, 0, 3]])
    assert hash(twice) != hash(twice.iloc[:, [0, 3, 2, 1]])


@pytest.mark.parametrize(
    ("table", "place"),
    [
        (pd.DataFrame({"n": [1], "o": [threading.Lock()]}), r"obj\['o'\]\.flat\[0\]"),
        (pd.Series([1, [threading.Lock()]]), r"obj\.flat\[1\]\[0\]"),
        (pd.Series([1], [threading.Lock()]), r"obj\.index\.values\.flat\[0\]"),
    ],
    ids=["frame", "series", "index"],
)
def test_what_has_no_value_is_named_by_its_column(table, place):
    with pytest.raises(UnhashableValueError, match=f"{place} is a '_thread.lock'"):
        hash(table)


def test_own_attributes_of_a_series_count():
    class Measured(pd.Series):
        _metadata = ["name", "unit"]  # noqa: RUF012  this is how pandas wants it

    metres, feet = Measured([1.5]), Measured([1.5])
    metres.unit, feet.unit = "m", "ft"

    assert len({hash(metres), hash(feet), hash(pd.Series([1.5]))}) == 3


def test_a_dtype_of_another_library_counts_by_its_items():
    from pandas.tests.extension.decimal import DecimalArray, to_decimal

    one, other = to_decimal(["1.5", "2.5"]), to_decimal(["1.5", "2.5", "3.5"])[:2]

    assert isinstance(one, DecimalArray)
    assert hash(one) == hash(other) != hash(to_decimal(["1.5", "3.5"]))


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


MOMENT = datetime.datetime(2020, 1, 2, 3, 4, 5, 6)
COLUMNS = {
    "integers": ([1, None, 3], None),
    "floats": ([0.5, None, math.nan], None),
    "text": (["a", None, "grün"], None),
    "bytes": ([b"a", None, b""], None),
    "truth values": ([True, None, False], None),
    "moments": ([MOMENT, None, MOMENT + datetime.timedelta(1)], None),
    "days": ([MOMENT.date(), None, MOMENT.date()], None),
    "times": ([MOMENT.time(), None, MOMENT.time()], None),
    "spans": ([datetime.timedelta(1), None, datetime.timedelta(2)], None),
    "decimals": ([Decimal("1.5"), None, Decimal("2.5")], None),
    "lists": ([[1], None, []], None),
    "lists of lists": ([[["a"], []], None, [None, ["b"]]], None),
    "records": ([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}], None),
    "nulls": ([None, None, None], None),
    "large text": (["a", None, "grün"], "large_string"),
    "views of text": (["a", None, "grün"], "string_view"),
    "maps": ([[("a", 1)], None, []], "map"),
    "pairs": ([[1, 2], None, [3, 4]], "pairs"),
    "fixed width": ([b"ab", None, b"cd"], "fixed"),
    "categories": (["a", None, "b"], "dictionary"),
    "nanoseconds": ([1000, None, 3000], "nanoseconds"),
    "months": ([(1, 2, 3), None, (1, 2, 4)], "months"),
    "unions": ([1, "a", 2], "union"),
    "runs": ([1, None, 3], "runs"),
    "uuids": ([b"1" * 16, None, b"2" * 16], "uuid"),
}


def arrow_array(arrow, items, kind):
    simple = {
        "large_string": arrow.large_string(),
        "string_view": arrow.string_view(),
        "map": arrow.map_(arrow.string(), arrow.int64()),
        "pairs": arrow.list_(arrow.int64(), 2),
        "fixed": arrow.binary(2),
        "nanoseconds": arrow.timestamp("ns"),
        "months": arrow.month_day_nano_interval(),
    }
    if kind == "dictionary":
        return arrow.array(items).dictionary_encode()
    if kind == "union":
        fields = [arrow.array([1, 2]), arrow.array(["a"])]
        places = arrow.array([0, 0, 1], arrow.int32())
        return arrow.UnionArray.from_dense(arrow.array([0, 1, 0], arrow.int8()), places, fields)
    if kind == "runs":
        return arrow.compute.run_end_encode(arrow.array(items))
    if kind == "uuid":
        return arrow.ExtensionArray.from_storage(arrow.uuid(), arrow.array(items, arrow.binary(16)))
    return arrow.array(items, simple.get(kind))


@pytest.mark.parametrize(("items", "kind"), COLUMNS.values(), ids=COLUMNS)
def test_arrow_arrays_of_every_type_count_by_value(items, kind):
    arrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.compute")
    array = arrow_array(arrow, items, kind)
    last, first = array[2:], array[:1]

    assert hash(array) == hash(arrow_array(arrow, items, kind))
    assert hash(array[1:][1:]) == hash(last)
    assert hash(arrow.chunked_array([array])) == hash(arrow.chunked_array([array[:1], array[1:]]))
    assert hash(array) != hash(array[:2])
    assert (hash(first) == hash(last)) == (first.to_pylist() == last.to_pylist())
    assert hash(array[0]) == hash(arrow_array(arrow, items, kind)[0])


def test_types_of_arrow_count():
    arrow = pytest.importorskip("pyarrow")
    kinds = [arrow.int8(), arrow.int64(), arrow.uint8(), arrow.float32(), arrow.float64()]
    kinds += [arrow.timestamp("s"), arrow.timestamp("ms"), arrow.timestamp("s", "UTC")]

    assert len({hash(arrow.array([1], kind)) for kind in kinds}) == len(kinds)


@pytest.mark.parametrize(("items", "kind"), COLUMNS.values(), ids=COLUMNS)
def test_polars_series_of_every_type_count_by_value(items, kind):
    polars = pytest.importorskip("polars")
    dtypes = {
        "dictionary": polars.Categorical,
        "pairs": polars.Array(polars.Int64, 2),
        "nanoseconds": polars.Datetime("ns"),
    }
    if kind is not None and kind not in dtypes:
        pytest.skip("polars has no such type")
    series = polars.Series(items, dtype=dtypes.get(kind), strict=False)
    first, last = series[:1], series[2:]

    assert hash(series) == hash(polars.Series(items, dtype=dtypes.get(kind), strict=False))
    assert hash(series[1:][1:]) == hash(last)
    assert hash(polars.concat([first, series[1:]], rechunk=False)) == hash(series)
    assert hash(series) != hash(series[:2])
    assert (hash(first) == hash(last)) == (first.to_list() == last.to_list())


def test_of_polars_categories_count_where_they_are_part_of_the_dtype():
    polars = pytest.importorskip("polars")
    one, other = (polars.Series(["a"], dtype=polars.Enum(names)) for names in ("ab", "ac"))

    assert hash(one) != hash(other)


def test_objects_in_polars_count_by_value():
    polars = pytest.importorskip("polars")
    one, other, third = (polars.Series([{1, number}], dtype=polars.Object) for number in (2, 2, 3))

    assert hash(one) == hash(other) != hash(third)


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
