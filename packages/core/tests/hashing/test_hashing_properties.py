"""`hash` of values that hypothesis thinks of: equal ones have one hash, different ones do not."""

import copy
import math
import pickle

import numpy as np
import pandas as pd
import pytest
from fanfold.hashing import hash
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as st_numpy

few = settings(max_examples=50, deadline=None)

# Few of them, so that different containers often hold the same.
NUMBERS = (0, 1, -1, 2**70, True, False, 0.0, -0.0, 1.0, math.nan, math.inf, 1j)
WORDS = ("", "0", "1", "a", "\N{SNOWMAN}", "\ud800", b"", b"0")
ATOMS = st.sampled_from((None, ..., int, len, *NUMBERS, *WORDS))
KEYS = st.recursive(
    ATOMS, lambda keys: st.tuples(keys) | st.frozensets(keys, max_size=3), max_leaves=4
)
VALUES = st.recursive(
    KEYS | st.integers() | st.floats() | st.text(max_size=3) | st.binary(max_size=3),
    lambda values: (
        st.lists(values, max_size=3)
        | st.lists(values, max_size=3).map(tuple)
        | st.dictionaries(KEYS, values, max_size=3)
        | st.sets(KEYS, max_size=3)
    ),
    max_leaves=8,
)


def spelt(value):
    """Return what makes up a value: the reference that hashes are held against."""
    kind = type(value)
    if kind in (list, tuple):
        return kind.__name__, *map(spelt, value)
    if kind in (set, frozenset):
        return kind.__name__, *sorted(map(repr, map(spelt, value)))
    if kind is dict:
        return "dict", *sorted(repr((spelt(key), spelt(member))) for key, member in value.items())
    return kind.__name__, "nan" if value != value else repr(value)


def rebuilt(value):
    """Return an equal value that shares nothing, whose sets and dicts were filled in reverse."""
    kind = type(value)
    if kind in (list, tuple):
        return kind(map(rebuilt, value))
    if kind in (set, frozenset):
        return kind([rebuilt(member) for member in reversed(list(value))])
    if kind is dict:
        return {rebuilt(key): rebuilt(member) for key, member in reversed(list(value.items()))}
    if kind is str or kind is bytes:
        return value[:1] + value[1:]
    return -value if value != value else value  # a NaN with another sign


@given(VALUES)
@few
def test_equal_values_have_equal_hashes(value):
    assert hash(rebuilt(value)) == hash(value)
    assert hash(copy.deepcopy(value)) == hash(value)
    assert hash(pickle.loads(pickle.dumps(value))) == hash(value)


@given(VALUES, VALUES)
@settings(max_examples=300, deadline=None)
def test_hashes_are_equal_just_where_values_are(one, other):
    assert (hash(one) == hash(other)) == (spelt(one) == spelt(other))


@given(st.lists(KEYS, max_size=5), st.randoms())
@few
def test_the_order_of_sets_and_dicts_does_not_count(keys, random):
    keys = list(dict.fromkeys(keys))  # of 0 and False, a dict would keep the first
    shuffled = random.sample(keys, len(keys))

    assert hash(dict.fromkeys(keys, 1)) == hash(dict.fromkeys(shuffled, 1))
    assert hash(frozenset(keys)) == hash(frozenset(shuffled))


DTYPES = (
    st_numpy.integer_dtypes()
    | st_numpy.floating_dtypes()
    | st_numpy.complex_number_dtypes()
    | st_numpy.boolean_dtypes()
    | st_numpy.datetime64_dtypes()
    | st_numpy.unicode_string_dtypes(max_len=3)
    | st_numpy.byte_string_dtypes(max_len=3)
)
ARRAYS = st_numpy.arrays(
    DTYPES | st_numpy.array_dtypes(DTYPES, max_size=3, allow_subarrays=True),
    st_numpy.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)


def layouts(array):
    """Yield the array as it may lie in memory elsewhere."""
    yield array.copy(order="C")
    yield array.copy(order="F")
    wide = np.empty((*array.shape, 2), array.dtype)
    wide[..., 0] = array
    yield wide[..., 0]
    if array.ndim:
        yield array[::-1].copy()[::-1]
    if array.dtype.isnative:  # or pickling changes the byte order, which is part of the dtype
        yield pickle.loads(pickle.dumps(array))
    if array.dtype.names:
        padded = np.zeros(array.shape, np.dtype(array.dtype.descr, align=True))
        for name in array.dtype.names:
            padded[name] = array[name]
        yield padded


@given(ARRAYS)
@few
def test_layout_of_arrays_does_not_count(array):
    assert {hash(same) for same in layouts(array)} == {hash(array)}


@given(
    st_numpy.arrays(
        st_numpy.floating_dtypes() | st_numpy.complex_number_dtypes(),
        st_numpy.array_shapes(max_dims=2),
    )
)
@few
def test_all_nans_in_arrays_are_one(array):
    other_nans = array.copy()
    for part, other in [(array.real, other_nans.real), (array.imag, other_nans.imag)]:
        if part.flags.writeable:  # the imaginary part of real numbers is not
            other[np.isnan(part)] = -np.float64(np.nan)

    assert hash(other_nans) == hash(array)


@given(st.data())
@few
def test_one_changed_item_changes_the_hash_of_an_array(data):
    array = data.draw(st_numpy.arrays("i4", st_numpy.array_shapes(max_dims=3)))
    place = tuple(data.draw(st.integers(0, side - 1)) for side in array.shape)
    changed = array.copy()

    changed[place] ^= 1 << data.draw(st.integers(0, 30))

    assert hash(changed) != hash(array)


COLUMNS = st.sampled_from(["i8", "f8", "f4", "bool", "M8[ns]", "str", "object", "category"])


@given(st.lists(COLUMNS, min_size=1, max_size=4), st.integers(0, 5), st.data())
@few
def test_how_a_frame_came_about_does_not_count(kinds, n_rows, data):
    numbers = data.draw(st.lists(st.integers(0, 3), min_size=n_rows, max_size=n_rows))
    frame = pd.DataFrame(
        {f"{place} {kind}": column(kind, numbers) for place, kind in enumerate(kinds)}
    )
    cut = data.draw(st.integers(0, n_rows))
    names = data.draw(st.permutations(list(frame)))

    by_rows = pd.concat([frame[:cut], frame[cut:]]) if 0 < cut < n_rows else frame.copy()
    by_columns = pd.concat([frame[[name]] for name in names], axis=1)[list(frame)]

    assert hash(by_rows) == hash(frame)
    assert hash(by_columns) == hash(frame)
    assert hash(pickle.loads(pickle.dumps(frame))) == hash(frame)


def column(kind, numbers):
    if kind in ("str", "object", "category"):
        texts = pd.Series([("a", "grün", None, "")[number] for number in numbers], dtype=object)
        return texts.astype(kind)
    return pd.Series(numbers, dtype="i8").astype(kind)


@pytest.mark.parametrize("library", ["pyarrow", "polars"])
@given(data=st.data())
@few
def test_chunks_and_offsets_of_columns_do_not_count(library, data):
    module = pytest.importorskip(library)
    items = data.draw(
        st.sampled_from([st.integers(-5, 5), st.floats(), st.text(max_size=3), st.booleans()])
        .map(lambda items: st.lists(items | st.none(), min_size=1, max_size=6))
        .flatmap(lambda items: st.lists(items, min_size=1, max_size=6) | items)
    )
    cut = data.draw(st.integers(0, len(items)))
    if library == "pyarrow":
        array = module.array(items)
        twice = module.concat_arrays([array, array])
        whole, parts = (
            module.chunked_array([array]),
            module.chunked_array([array[:cut], array[cut:]]),
        )
    else:
        array = module.Series(items)
        twice = module.concat([array, array])
        whole, parts = array, module.concat([array[:cut], array[cut:]], rechunk=False)

    assert hash(twice[: len(items)]) == hash(array) == hash(twice[len(items) :])
    assert hash(parts) == hash(whole)
