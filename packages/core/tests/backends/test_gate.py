"""The gate: each batch is begun once, or taken back, whatever the order of events."""

import pytest
from fanfold.backends.processes.gate import Gate, Permits
from hypothesis import given, strategies as st


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.close()


@pytest.fixture
def permits(gate):
    return Permits(gate.worker_end)


def test_batches_begin_in_order(gate, permits):
    gate.permit()
    gate.permit()
    assert [permits.take(), permits.take()] == [True, True]


def test_a_batch_that_was_taken_back_is_passed_over(gate, permits):
    number = gate.permit()
    assert gate.revoke() == number
    assert not permits.take()


def test_a_batch_that_was_begun_cannot_be_taken_back(gate, permits):
    gate.permit()
    assert permits.take()
    assert gate.revoke() is None


def test_a_later_permission_does_not_serve_for_a_batch_that_was_taken_back(gate, permits):
    gate.permit()
    assert permits.take()
    second = gate.permit()
    assert gate.revoke() == second
    gate.permit()
    assert [permits.take(), permits.take()] == [False, True]


@given(st.lists(st.sampled_from(["send", "receive", "revoke"]), max_size=600))
def test_every_batch_is_begun_or_taken_back_and_never_both(events):
    gate = Gate()
    permits = Permits(gate.worker_end)
    sent, received, begun, revoked, outstanding = 0, 0, set(), set(), []
    try:
        for event in [*events, *["receive"] * len(events)]:
            if event == "send" and sent - received < 100:
                outstanding.append((gate.permit(), sent))
                sent += 1
            elif event == "receive" and received < sent:
                if permits.take():
                    begun.add(received)
                received += 1
            elif event == "revoke" and (number := gate.revoke()) is not None:
                batch = next(b for n, b in outstanding if n == number and b not in begun | revoked)
                revoked.add(batch)
        assert begun | revoked == set(range(received))
        assert not begun & revoked
    finally:
        gate.close()
