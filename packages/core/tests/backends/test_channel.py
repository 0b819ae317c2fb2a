"""Messages over a socket pair arrive whole, in order, however they are cut on the way."""

import os
import socket
import threading

import pytest
from fanfold.backends.processes.channel import Channel
from hypothesis import given, settings, strategies as st


@pytest.fixture
def channels():
    one, other = (Channel(end.detach()) for end in socket.socketpair())
    yield one, other
    one.close()
    other.close()


MESSAGES = [
    (0, b"", []),
    (1, b"small", []),
    (2, b"h", [b"", b"x", b""]),
    (0, b"head" * 1000, [b"a" * 100_000, b"b"]),
    (3, b"", [os.urandom(3_000_000), b"", os.urandom(70_000)]),
    (4, b"many", [bytes([i]) * i for i in range(200)]),
    (5, b"n" * 200_000, []),
]


def same(received, sent):
    kind, head, buffers = received
    return (kind, bytes(head), [bytes(buffer) for buffer in buffers]) == sent


@pytest.mark.parametrize("message", MESSAGES, ids=range(len(MESSAGES)))
def test_a_message_arrives_whole(channels, message):
    one, other = channels
    sender = threading.Thread(target=one.send, args=message)
    sender.start()
    received = other.receive()
    sender.join()
    assert same(received, message)


def test_buffers_arrive_where_they_can_be_written_to(channels):
    one, other = channels
    one.send(0, b"head", [b"buffer"])
    _, _, (buffer,) = other.receive()
    buffer[0:1] = b"B"
    assert buffer == b"Buffer"


def test_messages_arrive_in_order(channels):
    one, other = channels

    def send_all():
        for message in MESSAGES * 3:
            one.send(*message)

    sender = threading.Thread(target=send_all)
    sender.start()
    for message in MESSAGES * 3:
        assert same(other.receive(), message)
    sender.join()


def test_what_does_not_go_at_once_goes_later(channels):
    one, other = channels
    os.set_blocking(one.fd, False)
    message = 0, b"head", [os.urandom(5_000_000)]
    assert not one.send(*message)
    assert not one.send(1, b"second")
    received = []
    receiver = threading.Thread(target=lambda: received.extend([other.receive(), other.receive()]))
    receiver.start()
    while not one.flush():
        pass
    receiver.join()
    assert same(received[0], message)
    assert same(received[1], (1, b"second", []))


def test_what_is_there_is_returned_without_waiting(channels):
    one, other = channels
    os.set_blocking(other.fd, False)
    assert other.receive_ready() == ([], True)
    one.send(0, b"first")
    one.send(1, b"second")
    assert other.receive_ready() == ([(0, b"first", []), (1, b"second", [])], True)


def test_the_end_is_told_after_what_came_before_it(channels):
    one, other = channels
    os.set_blocking(other.fd, False)
    one.send(0, b"last")
    one.close()
    assert other.receive_ready()[0] == [(0, b"last", [])]
    assert other.receive_ready() == ([], False)


def test_the_end_is_told_while_waiting(channels):
    one, other = channels
    one.close()
    assert other.receive() is None


def test_the_end_in_the_middle_of_a_message_is_an_end(channels):
    one, other = channels
    os.write(one.fd, b"\x05\x00\x00")
    one.close()
    assert other.receive() is None


def test_sending_to_a_closed_end_is_an_error(channels):
    one, other = channels
    other.close()
    with pytest.raises(BrokenPipeError):
        one.send(0, b"x")


def test_nothing_for_the_timeout_of_the_socket_is_an_end():
    mine, theirs = socket.socketpair()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, b"\0" * 8 + b"\x10\x27" + b"\0" * 6)
    channel = Channel(theirs.detach())
    assert channel.receive() is None
    mine.close()
    channel.close()


def test_closing_twice_is_fine(channels):
    one, _ = channels
    one.close()
    one.close()


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 9), st.binary(max_size=40), st.lists(st.binary(max_size=40), max_size=4)
        ),
        max_size=6,
    ),
    st.integers(min_value=1, max_value=50),
)
def test_any_cut_gives_the_same_messages(messages, cut):
    sender_end, receiver_end = socket.socketpair()
    collect = Channel(sender_end.detach())
    receiver = Channel(receiver_end.detach())
    os.set_blocking(receiver.fd, False)
    # Record the bytes that a channel writes, and send them on in small pieces.
    for message in messages:
        collect.send(*message)
    wire = b""
    while True:
        try:
            wire += os.read(receiver.fd, 1 << 16)
        except BlockingIOError:
            break
    received = []
    for start in range(0, len(wire), cut):
        os.write(collect.fd, wire[start : start + cut])
        received += receiver.receive_ready()[0]
    collect.close()
    receiver.close()
    assert len(received) == len(messages)
    assert all(same(r, m) for r, m in zip(received, messages, strict=True))
