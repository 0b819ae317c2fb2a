"""``load(trusted=...)`` imports what is listed, and refuses the rest before any of it runs."""

import copyreg
import fractions
import io
import pickle
import sys

import numpy as np
import pytest
from fanfold.errors import CorruptFileError, InvalidArgumentError, UntrustedGlobalError
from fanfold.persistence import load

from .untrusted import HERE, WRITERS, Count, Loud, Point, Row, Running, load_bytes, plain


@pytest.fixture(autouse=True)
def nothing_has_run():
    Loud.seen.clear()
    yield
    Loud.seen.clear()


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
    for name in (b"io.open", b"joblib", b"Point.__init__.__globals__", b"Point.__class__"):
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


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "value", [Point(1, 2), Row([1, 2]), Count(3), [Point(1, 2), Row()]], ids=repr
)
def test_a_class_is_trusted_in_every_protocol(value, protocol):
    assert load_bytes(plain(value, protocol), [HERE]) == value
    with pytest.raises(UntrustedGlobalError):
        load_bytes(plain(value, protocol), [])


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
