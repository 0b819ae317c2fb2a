"""The worker's end of the connection when nobody reads it."""

import mmap
import socket

import pytest
from fanfold.backends.processes.board import Board
from fanfold.backends.processes.channel import Channel
from fanfold.backends.processes.outlet import Outlet


@pytest.fixture
def outlet():
    mine, theirs = socket.socketpair()
    theirs.close()
    channel = Channel(mine.detach())
    yield Outlet(channel, Board(mmap.mmap(-1, Board.SIZE)))
    channel.close()


def test_it_says_that_nobody_is_there_any_more(outlet):
    assert not outlet.send(1, b"head", [b"buffer"])


def test_it_goes_on_saying_so(outlet):
    outlet.send(1, b"head")

    assert not outlet.tell("printed", b"text")
