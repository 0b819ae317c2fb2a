"""Capabilities, requests and entries are values: they do not change, and compare by content."""

import pickle

import fanfold.contracts
import pytest
from fanfold.contracts import BackendCapabilities, ExecutorRequest, StoreCapabilities, StoreEntry

VALUES = [
    BackendCapabilities(shares_memory=True),
    ExecutorRequest(2, label="sweep"),
    StoreCapabilities(touch=True),
    StoreEntry("a/b", 3, 1.5),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_survive_pickling(value):
    copy = pickle.loads(pickle.dumps(value))
    assert copy == value
    assert hash(copy) == hash(value)


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_cannot_be_changed(value):
    name = value.__slots__[0]
    with pytest.raises(AttributeError, match=f"{type(value).__name__}.{name} cannot be set"):
        setattr(value, name, 1)


def test_values_that_hold_something_else_differ():
    assert StoreEntry("a", 1, 2.0) != StoreEntry("a", 1, 3.0)
    assert BackendCapabilities() != StoreCapabilities()


def test_values_show_what_they_hold():
    assert repr(StoreEntry("a", 1, 2.0)) == "StoreEntry(key='a', size=1, modified=2.0)"


def test_nothing_is_declared_unless_it_is_said():
    capabilities = BackendCapabilities()
    assert not any(getattr(capabilities, name) for name in capabilities.__slots__)


def test_unknown_capabilities_are_refused():
    with pytest.raises(TypeError, match="teleports"):
        BackendCapabilities(teleports=True)


def test_the_contracts_are_all_there():
    for name in fanfold.contracts.__all__:
        assert getattr(fanfold.contracts, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        _ = fanfold.contracts.nonsense
