"""The future of the backends that share memory."""

import pytest
from fanfold.backends.light_future import LightFuture


def test_the_first_who_completes_it_does():
    future = LightFuture()

    assert future.complete(1)
    assert not future.complete(2)
    assert not future.complete(None, ValueError("late"))

    assert future.result() == 1


def test_an_error_is_raised_to_whoever_reads_it():
    future = LightFuture()

    future.complete(None, ValueError("wrong"))

    with pytest.raises(ValueError, match="wrong"):
        future.result()


def test_whoever_asked_before_is_called_once_when_it_is_complete():
    future, called = LightFuture(), []
    future.add_done_callback(called.append)
    assert called == []

    future.complete(1)
    future.complete(2)

    assert called == [future]


def test_whoever_asks_afterwards_is_called_at_once():
    future, called = LightFuture(), []
    future.complete(1)

    future.add_done_callback(called.append)

    assert called == [future]
