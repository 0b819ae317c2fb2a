"""Handing over descriptors, and what becomes of those that do not arrive."""

import contextlib
import os
import socket

import pytest
from fanfold.backends.processes.exchange import Exchange
from fanfold.backends.processes.handover import Handover
from fanfold.backends.processes.segments import SegmentPool


@pytest.fixture
def ends():
    mine, theirs = (Handover(end.detach()) for end in socket.socketpair())
    yield mine, theirs
    mine.close()
    theirs.close()


@pytest.fixture
def pipe():
    descriptors = os.pipe()
    yield descriptors
    for descriptor in descriptors:
        os.close(descriptor)


def test_a_descriptor_is_taken_by_its_number_in_any_order(ends, pipe):
    mine, theirs = ends
    for number in range(2):
        assert mine.give(number, pipe[1])

    for number in (1, 0):
        descriptor = theirs.take(number)
        os.write(descriptor, b"%d" % number)
        os.close(descriptor)

    assert os.read(pipe[0], 9) == b"10"


def ends_of(pipe):
    """Return how many descriptors of this process are open on a pipe, those given away included."""
    links = []
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # another thread's, and closed by now
            links.append(os.readlink(f"/proc/self/fd/{descriptor}"))
    return links.count(os.readlink(f"/proc/self/fd/{pipe[0]}"))


def test_what_arrived_and_was_not_taken_is_closed(pipe):
    mine, theirs = (Handover(end.detach()) for end in socket.socketpair())
    for number in range(2):
        mine.give(number, pipe[1])
    os.close(theirs.take(1))
    assert ends_of(pipe) == 3  # number 0 has arrived, too

    mine.close()
    theirs.close()

    assert ends_of(pipe) == 2


def test_a_buffer_is_not_lent_where_there_is_no_room_to_hand_it_over(ends, pipe):
    mine, theirs = ends
    part = SegmentPool(budget=1 << 30).store(memoryview(bytes(2 << 20)))
    exchange = Exchange(mine, gives=True)

    n_given = next(number for number in range(10_000) if not mine.give(number, pipe[1]))
    assert exchange.lend(part, "c") is None

    os.close(theirs.take(n_given - 1))  # makes room by taking in all of them
    assert exchange.lend(part, "c") is not None
