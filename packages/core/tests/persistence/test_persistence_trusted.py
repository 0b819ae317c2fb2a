"""``load(trusted=...)`` imports what is listed, and refuses the rest before any of it runs."""

import collections
import copyreg
import dataclasses
import datetime
import decimal
import fractions
import functools
import io
import operator
import os
import pathlib
import pickle
import struct
import sys

import joblib
import numpy as np
import pytest
from fanfold.errors import CorruptFileError, InvalidArgumentError, UntrustedGlobalError
from fanfold.persistence import decode, dump, encode, load, load_path

HERE = __name__


@dataclasses.dataclass
class Point:
    x: int
    y: int

    class Inner:
        pass


class Loud:
    """Leaves a trace when it is made anew."""

    seen = []  # noqa: RUF012  the trace

    def __init__(self, value=0):
        self.seen.append(value)

    def __reduce__(self):
        return Loud, (1,)


class Running:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.fixture(autouse=True)
def nothing_has_run():
    Loud.seen.clear()
    yield
    Loud.seen.clear()


def container(value):
    file = io.BytesIO()
    dump(value, file)
    return file.getvalue()


def of_joblib(value):
    file = io.BytesIO()
    joblib.dump(value, file)
    return file.getvalue()


def of_joblib_compressed(value):
    file = io.BytesIO()
    joblib.dump(value, file, compress=3)
    return file.getvalue()


def plain(value, protocol=pickle.HIGHEST_PROTOCOL):
    return pickle.dumps(value, protocol)


WRITERS = [container, of_joblib, of_joblib_compressed, plain]
READERS = {
    "file": lambda data, trusted: load(io.BytesIO(data), trusted=trusted),
    "pipe": lambda data, trusted: load(Pipe(data), trusted=trusted),
}


class Pipe:
    def __init__(self, data):
        self.read = io.BytesIO(data).read


def load_bytes(data, trusted):
    return load(io.BytesIO(data), trusted=trusted)


STANDARD_VALUES = {
    "None": None,
    "bool": True,
    "numbers and strings": [
        *(1, -5, 300, 70_000, -(2**40), 10**400, 2.5, 1j),
        *("grün", "x" * 5000, b"\xff" * 5000, b""),
    ],
    "containers": {(1, (2, 3)): {4, "a"}, "key": frozenset({(1,)})},
    "other built-ins": [bytearray(b"abc"), bytearray(), range(3), slice(1, None), ..., int],
    "NotImplemented": [NotImplemented],
    "collections": [
        collections.OrderedDict(a=1),
        collections.Counter("aab"),
        collections.defaultdict(list, a=[]),
    ],
    "deques": [collections.deque([1, 2], 5), collections.deque()],
    "dates": [datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC), datetime.date(2020, 1, 2)],
    "times": [datetime.timedelta(1, 2, 3), datetime.time(1, 2), decimal.Decimal("1.50")],
    "paths": [pathlib.Path("a/b"), pathlib.PurePosixPath("c"), pathlib.PureWindowsPath("d")],
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("value", STANDARD_VALUES.values(), ids=STANDARD_VALUES)
def test_values_of_the_standard_library_need_no_trust(value, writer, reader):
    assert READERS[reader](writer(value), []) == value


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("value", STANDARD_VALUES.values(), ids=STANDARD_VALUES)
def test_so_do_they_in_every_protocol(value, protocol):
    assert load_bytes(plain(value, protocol), []) == value


ARRAYS = {
    "plain": np.arange(6).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "0-d": np.array(1.5),
    "empty": np.zeros((0, 3)),
    "big-endian": np.arange(3, dtype=">i4"),
    "text": np.array(["a", "grün"]),
    "bytes": np.array([b"a", b"bc"]),
    "dates": np.array(["2020-01-01"], dtype="M8[ns]"),
    "objects": np.array([1, "x", None, [2]], dtype=object),
    "fields": np.zeros(2, [("a", "f8", (2, 3)), ("b", "U2"), ("c", [("d", "i1")])]),
    "fields with objects": np.array([(1, None)], dtype=[("a", "i4"), ("b", "O")]),
    "aligned": np.zeros(2, np.dtype([("a", "i1"), ("b", "i8")], align=True)),
    "titles": np.zeros(1, {"names": ["a"], "formats": ["i4"], "offsets": [4], "titles": ["T"]}),
    "matrix": np.arange(4).reshape(2, 2).view(np.matrix),
    "masked": np.ma.array([1.0, 2.0], mask=[True, False]),
    "masked objects": np.ma.array([1, None], mask=[True, False], dtype=object),
    "records": np.rec.array([(1, 2.0)], dtype=[("a", int), ("b", float)]),
    "scalar": np.float64(2.5),
    "scalar with fields": np.zeros(1, [("a", "i4")])[0],
    "date": np.datetime64("2020-01-01"),
    "dtype": np.dtype([("a", "i4")]),
    "type": np.float32,
    "class of a dtype": type(np.dtype("f8")),
    "function": np.add,
}
GENERATORS = {
    "RandomState": np.random.RandomState(1),
    **{
        name: np.random.Generator(getattr(np.random, name)(1))
        for name in ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
    },
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("name", ARRAYS)
def test_the_preset_numpy_trusts_arrays(name, writer):
    loaded = load_bytes(writer(ARRAYS[name]), ["numpy"])

    assert type(loaded) is type(ARRAYS[name])
    np.testing.assert_array_equal(loaded, ARRAYS[name])


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", ARRAYS)
def test_it_does_in_every_protocol(name, protocol):
    loaded = load_bytes(plain(ARRAYS[name], protocol), ["numpy"])

    np.testing.assert_array_equal(loaded, ARRAYS[name])


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("name", GENERATORS)
def test_it_trusts_generators_of_random_numbers(name, writer):
    written = pickle.loads(plain(GENERATORS[name]))

    loaded = load_bytes(writer(written), ["numpy"])

    np.testing.assert_array_equal(loaded.uniform(size=9), written.uniform(size=9))


@pytest.mark.parametrize("value", [np.arange(3), np.float64(1), np.array([None])], ids=repr)
@pytest.mark.parametrize("writer", WRITERS)
def test_arrays_are_refused_without_it(value, writer):
    with pytest.raises(UntrustedGlobalError, match=r"numpy.*trusted=\[\.\.\., 'numpy'\]"):
        load_bytes(writer(value), [])


def test_arrays_are_mapped_from_files_that_are_not_trusted(tmp_path):
    for name, write in (("fanfold", dump), ("joblib", joblib.dump)):
        write([np.arange(1000), "text"], tmp_path / name)

        loaded = load(tmp_path / name, mmap_mode="r", trusted=["numpy"])

        assert isinstance(loaded[0], np.memmap)
        np.testing.assert_array_equal(loaded[0], np.arange(1000))


def test_entries_of_stores_are_loaded_so_too(tmp_path):
    data = b"".join(encode([np.arange(3), Point(1, 2)]))
    (tmp_path / "entry").write_bytes(data)

    for trusted in ([], ["numpy"], [f"{HERE}.Point"]):
        with pytest.raises(UntrustedGlobalError):
            decode(data, trusted=trusted)
        with pytest.raises(UntrustedGlobalError):
            load_path(tmp_path / "entry", trusted=trusted)
    assert decode(data, trusted=["numpy", HERE])[1] == Point(1, 2)
    assert load_path(tmp_path / "entry", trusted=["numpy", HERE])[1] == Point(1, 2)


def test_a_fitted_model_is_loaded_with_the_preset_sklearn(tmp_path):
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    inputs = np.random.default_rng(0).random((60, 3))
    classes = inputs[:, 0] > 0.5
    for last in (
        RandomForestClassifier(3, random_state=0),
        KNeighborsClassifier(algorithm="kd_tree"),
        MLPClassifier((3,), solver="lbfgs", max_iter=500, random_state=0),
    ):
        model = make_pipeline(StandardScaler(), last).fit(inputs, classes)
        for write in (dump, joblib.dump):
            write(model, tmp_path / "model")

            loaded = load(tmp_path / "model", trusted=["sklearn"])

            np.testing.assert_array_equal(loaded.predict(inputs), model.predict(inputs))
            with pytest.raises(UntrustedGlobalError, match=r"trusted=\[\.\.\., 'sklearn'\]"):
                load(tmp_path / "model", trusted=["numpy"])


@pytest.mark.parametrize(
    "trusted", [[f"{HERE}.Point"], [HERE], [sys.modules[HERE]], [HERE.rpartition(".")[0] or HERE]]
)
@pytest.mark.parametrize("writer", WRITERS)
def test_a_class_is_trusted_by_its_name_its_module_or_a_module_above(writer, trusted):
    assert load_bytes(writer(Point(1, 2)), trusted) == Point(1, 2)


@pytest.mark.parametrize("writer", WRITERS)
def test_what_is_refused_is_named_with_how_to_trust_it(writer):
    with pytest.raises(UntrustedGlobalError) as caught:
        load_bytes(writer([Point(1, 2), fractions.Fraction(1, 2)]), [f"{HERE}.Loud"])

    assert f"would import {HERE}.Point, fractions.Fraction, not trusted" in str(caught.value)
    assert f"trusted=[..., '{HERE}.Point', 'fractions.Fraction']" in str(caught.value)
    assert isinstance(caught.value, pickle.UnpicklingError)


@pytest.mark.parametrize("writer", WRITERS)
def test_nothing_has_run_when_the_last_thing_is_refused(writer):
    with pytest.raises(UntrustedGlobalError, match=r"fractions\.Fraction"):
        load_bytes(writer([Loud(), fractions.Fraction(1, 2)]), [f"{HERE}.Loud"])

    assert Loud.seen == [0]


@pytest.mark.parametrize("writer", WRITERS)
def test_objects_in_arrays_are_looked_at_too(writer):
    with pytest.raises(UntrustedGlobalError, match="Point"):
        load_bytes(writer(np.array([None, Point(1, 2)], dtype=object)), ["numpy"])


def test_what_a_module_only_has_imported_is_not_trusted_with_it():
    stream = b"\x80\x04\x8c" + bytes([len(HERE)]) + HERE.encode()
    for name in (b"os.system", b"fractions", b"Point.__init__.__globals__", b"Point.__class__"):
        data = stream + b"\x8c" + bytes([len(name)]) + name + b"\x93."

        with pytest.raises(UntrustedGlobalError, match="is not trusted"):
            load_bytes(data, [HERE])


def test_a_module_that_only_begins_alike_is_not_trusted():
    with pytest.raises(UntrustedGlobalError, match=r"fractions\.Fraction"):
        load_bytes(plain(fractions.Fraction(1, 2)), ["fract", "fractions.Frac"])


def test_a_name_in_a_class_is_trusted_by_its_name():
    assert isinstance(load_bytes(plain(Point.Inner()), [f"{HERE}.Point.Inner"]), Point.Inner)
    with pytest.raises(UntrustedGlobalError):
        load_bytes(plain(Point.Inner()), [f"{HERE}.Point"])


def test_classes_of_cython_are_made_of_a_class_only():
    data = b"csklearn.neighbors._kd_tree\nnewObj\n(I1\ntR."

    with pytest.raises(CorruptFileError, match="newObj with something other than a class"):
        load_bytes(data, ["sklearn"])


def reduced(*parts):
    return plain(Running(*parts))


WRONG = {
    "eval": reduced(eval, "1 + 1"),
    "exec": reduced(exec, "x = 1"),
    "system": reduced(os.system, "true"),
    "getattr": reduced(getattr, dict, "fromkeys"),
    "import": reduced(__import__, "os"),
    "open": reduced(open, "/etc/passwd"),
    "partial": reduced(functools.partial, eval, "1"),
    "attrgetter": reduced(operator.attrgetter, "system"),
    "methodcaller": reduced(operator.methodcaller, "system", "true"),
    "type": reduced(type, "X", (), {}),
    "map": reduced(map, eval, ["1"]),
    "numpy.load": reduced(np.load, "/etc/passwd"),
    "numpy.zeros": reduced(np.zeros, 3),
    "numpy.fromfile": reduced(np.fromfile, "/etc/passwd"),
    "runstring": b"cnumpy.testing._private.utils\nrunstring\n(S'1'\n}tR.",
    "f2py": b"cnumpy.f2py\ncompile\n(S'x'\ntR.",
    "ufunc": b"cnumpy.core\n_ufunc_reconstruct\n(Vos\nVsystem\ntR.",
    "dotted": b"\x80\x04\x8c\x05numpy\x8c\x11testing.os.getcwd\x93)R.",
    "dotted array": b"\x80\x04\x8c\x05numpy\x8c\x12ndarray.__reduce__\x93.",
    "instance": b"(Vtrue\nios\nsystem\n.",
    "object": b"(cos\nsystem\nVtrue\no.",
    "old name": b"c__builtin__\neval\n(V1\ntR.",
    "of sklearn by another way": b"csklearn.base\nwarnings.warn\n.",
    "imported by sklearn": b"csklearn.base\ndefaultdict\n.",
    "of sklearn's tests": b"csklearn.utils._testing\nassert_run_python_script_without_output\n.",
    "of sklearn's data": b"csklearn.datasets\nfetch_openml\n.",
    "module": b"cnumpy\nos\n.",
    "a list of anything": b"cbuiltins\nlist\n(cbuiltins\nrange\n(L1000000000000L\ntRtR.",
    "a type called": b"cnumpy\nndarray\n((L1000000000000L\ntVO\ntR.",
}


@pytest.mark.parametrize("name", WRONG)
def test_nothing_that_runs_code_is_trusted_by_the_presets(name):
    with pytest.raises(UntrustedGlobalError):
        load_bytes(WRONG[name], ["numpy", "sklearn"])


FORGED = {
    "calls what a call returned": b"cfractions\nFraction\n(I1\ntR(I1\ntR.",
    "changes a class": b"cfractions\nFraction\n}Vx\nI1\nsb.",
    "puts items into a class": b"cfractions\nFraction\nI1\na.",
    "a computed name": b"\x80\x04\x8c\x02os](K\x01e\x93.",
    "an unknown number": b"\x80\x02\x82\xf9.",
    "a persistent id": b"Pabc\n.",
    "a persistent id on the stack": b"K\x01Q.",
    "an opcode of no kind": b"\xfe.",
    "protocol 6": b"\x80\x06N.",
    "a second protocol": b"\x80\x04N\x80\x02.",
    "a large memo": b"\x80\x02Nr\xff\xff\xff\x7f.",
    "a large memo as text": b"Np2000000000\n.",
    "no memo": b"h\x05.",
    "no mark": b"t.",
    "an empty stack": b".",
    "too little on the stack": b"K\x01s.",
    "a huge text": b"\x80\x04\x8d" + struct.pack("<Q", 1 << 63) + b"abc.",
    "huge bytes": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"abc.",
    "a huge bytearray": b"\x80\x05\x96" + struct.pack("<Q", 1 << 62) + b"abc.",
    "a huge number": b"\x80\x02\x8b" + struct.pack("<I", 1 << 31) + b"abc.",
    "a huge frame": b"\x80\x04\x95" + struct.pack("<Q", 1 << 40) + b"N.",
    "a long frame": b"\x80\x04\x95" + struct.pack("<Q", 100) + b"N.",
    "a buffer": b"\x80\x05\x97.",
    "something read-only": b"\x80\x05N\x98.",
    "a state without object": b"}}b.",
    "deep tuples": b"\x80\x02)" + b"\x85" * 100_000 + b".",
    "tuples hashed for ever": b"\x80\x02})" + b"2\x86" * 1000 + b"Ns.",
    "tuples in a set for ever": b"\x80\x04\x8f()" + b"2\x86" * 1000 + b"\x90.",
    "tuples in a frozen set for ever": b"\x80\x04()" + b"2\x86" * 1000 + b"\x91.",
    "tuples hashed again and again": b"}(" + b"K\x01" * 9000 + b"tq\0" + b"h\0Ns" * 50_000 + b".",
    "a list taken again and again": b"("
    + b"K\x01" * 9000
    + b"lq\0"
    + b"cbuiltins\nset\n(h\0tR0" * 2
    + b".",
    "text that is none": b"\x80\x04\x8c\x02\xff\xfe.",
    "a name that is no text": b"c\xff\nx\n.",
    "half a line": b"Vabc",
    "half a number": b"J\0\0",
    "no end": b"\x80\x02]",
    "keys without value": b"}(K\x01u.",
    "a range of objects": b"cbuiltins\nrange\n(NtR.",
    "a trillion zeros": b"cbuiltins\nbytearray\n(L1000000000000L\ntR.",
    "bytes of a number": b"cbuiltins\nbytes\n(L1000000000000L\ntR.",
    "a list of a range": b"cbuiltins\nset\n(cbuiltins\nrange\n(L1000000000000L\ntRtR.",
    "another encoding": b"c_codecs\nencode\n(Vabc\nVrot13\ntR.",
    "no items of a deque": b"ccollections\ndeque\n(cbuiltins\nrange\n(I5\ntRtR.",
    "no factory": b"ccollections\ndefaultdict\n(I5\ntR.",
    "no pairs": b"ccollections\nOrderedDict\n((lI1\natR.",
    "no text of a path": b"cpathlib\nPath\n((ltR.",
    "no parts of a date": b"cdatetime\ndate\n((ltR.",
    "keywords": b"\x80\x04cbuiltins\nslice\n)}\x8c\x01aK\x01s\x92.",
    "keywords of no kind": b"\x80\x04cbuiltins\nslice\n)N\x92.",
    "arguments of no kind": b"cbuiltins\nslice\nNR.",
    "an object of nothing": b"(o.",
    "an escape of no kind": b"V\\u12\n.",
    "text that is none, in a long pickle": b"\x80\x04\x8c\x02\xff\xfe" + b"N0" * 500 + b".",
    "an old object of another base": b"ccopy_reg\n_reconstructor\n"
    b"(cfractions\nFraction\nc__builtin__\nlist\nI100000\ntR.",
    "an old object of no class": b"ccopy_reg\n_reconstructor\n(I1\nI1\nNtR.",
    "a deque without end": b"ccollections\ndeque\n((lVa\ntR.",
    "a deque of something": b"ccollections\ndeque\n(I1\ntR.",
    "a date of something": b"cdatetime\ndate\n(cbuiltins\nrange\n(I5\ntRtR.",
    "a date of a function": b"cdatetime\ndate\n(cdatetime\ndate\ntR.",
    "encoded numbers": b"c_codecs\nencode\n(I1\nVlatin1\ntR.",
    "the state of a range": b"cbuiltins\nrange\n(I5\ntR}b.",
    "long keys again and again": b"}\x8b\x00\x00\x01\x00"
    + bytes(65_535)
    + b"\1q\0000"
    + b"h\0Ns" * 60_000
    + b".",
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", FORGED)
def test_what_no_pickler_writes_is_refused_with_its_place(name, reader):
    with pytest.raises(CorruptFileError, match=r"byte \d+|\d+ bytes|claims"):
        READERS[reader](FORGED[name], ["fractions"])


def test_a_bound_method_is_allowed_by_the_function_that_finds_it():
    data = plain(Point(1, 2).__eq__)

    with pytest.raises(UntrustedGlobalError, match=r"trusted=\[\.\.\., 'builtins.getattr'\]"):
        load_bytes(data, ["numpy", HERE])
    assert load_bytes(data, ["builtins.getattr", HERE])(Point(1, 2))


class Row(list):
    pass


class Count(int):
    pass


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "value", [Point(1, 2), Row([1, 2]), Count(3), [Point(1, 2), Row()]], ids=repr
)
def test_a_class_is_trusted_in_every_protocol(value, protocol):
    assert load_bytes(plain(value, protocol), [HERE]) == value
    with pytest.raises(UntrustedGlobalError):
        load_bytes(plain(value, protocol), [])


class Named(np.ndarray):
    """An array with a name, which its pickle has too."""

    name = None

    def __reduce__(self):
        function, arguments, state = super().__reduce__()
        return function, arguments, (state, self.name)

    def __setstate__(self, state):
        content, self.name = state
        super().__setstate__(content)


def test_a_class_of_arrays_may_have_a_state_of_its_own():
    array = np.arange(3).view(Named)
    array.name = "x"

    loaded = load_bytes(plain(array), ["numpy", HERE])

    assert (type(loaded), loaded.name, loaded.tolist()) == (Named, "x", [0, 1, 2])


def test_what_numpy_would_crash_on_is_refused_in_it_too():
    function, arguments, _ = np.arange(3).view(Named).__reduce__()
    state = ((1, (1000,), np.dtype("O"), False, [1]), "x")

    forged = Running(None)
    forged.call = function, arguments, state

    with pytest.raises(CorruptFileError, match="no list of 1000 objects"):
        load_bytes(plain(forged), ["numpy", HERE])


def test_large_numbers_are_loaded():
    assert load_bytes(plain({1 << 20_000: -(1 << 9000)}), []) == {1 << 20_000: -(1 << 9000)}


def test_tuples_that_contain_themselves_are_loaded():
    for length in (1, 3, 5):
        inner = []
        inner.append((inner,) * length)

        loaded = load_bytes(plain(inner), [])

        assert loaded[0][0] is loaded


def test_registered_extension_codes_are_names_like_others(monkeypatch):
    copyreg.add_extension("fractions", "Fraction", 240)
    try:
        data = plain(fractions.Fraction, 2)
        assert b"\x82\xf0" in data
        assert load(io.BytesIO(data)) is fractions.Fraction  # from now on it is kept for the number

        assert load_bytes(data, ["fractions"]) is fractions.Fraction
        with pytest.raises(UntrustedGlobalError, match=r"fractions\.Fraction"):
            load_bytes(data, [])
    finally:
        copyreg.remove_extension("fractions", "Fraction", 240)
        copyreg.clear_extension_cache()


def test_what_goes_wrong_in_trusted_classes_names_the_file():
    data = plain(Running(fractions.Fraction, "no number"))

    with pytest.raises(CorruptFileError, match="cannot be rebuilt: ValueError") as caught:
        load_bytes(data, ["fractions"])

    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize(
    ("trusted", "message"),
    [
        ("numpy", "a list of names is needed"),
        ([1], "neither a module nor"),
        (["not a name"], "neither a module nor"),
        (["builtins"], "eval"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(trusted, message):
    with pytest.raises(InvalidArgumentError, match=message):
        load_bytes(plain(1), trusted)


def test_names_that_a_terminal_would_obey_are_shown_as_text():
    with pytest.raises(UntrustedGlobalError) as caught:
        load_bytes(b"cos\n\x1b[2Jsystem\n.", [])

    assert "\x1b" not in str(caught.value)


def test_values_in_a_row_are_loaded_one_by_one():
    for writer in WRITERS[:2] + WRITERS[3:]:
        data = writer([1]) + writer([2])
        for file in (io.BytesIO(data), Pipe(data)):
            assert [load(file, trusted=[]), load(file, trusted=[])] == [[1], [2]]
