"""Ctrl-C is held back while something is made that would be left behind, and comes afterwards."""

import os
import signal
import threading

import pytest
from fanfold._interrupts import InterruptsHeld


def test_an_interrupt_comes_at_the_end():
    reached = []
    with pytest.raises(KeyboardInterrupt):
        with InterruptsHeld():
            os.kill(os.getpid(), signal.SIGINT)
            reached.append("the end")
        reached.append("what follows")
    assert reached == ["the end"]


def test_the_outermost_lets_it_through():
    reached = []
    with pytest.raises(KeyboardInterrupt), InterruptsHeld():
        with InterruptsHeld():
            os.kill(os.getpid(), signal.SIGINT)
        reached.append("the inner end")
    assert reached == ["the inner end"]


def test_the_handler_is_what_it_was():
    before = signal.getsignal(signal.SIGINT)
    with InterruptsHeld():
        pass
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("action", [signal.SIG_IGN, signal.SIG_DFL])
def test_what_python_does_not_handle_stays_so(action):
    before = signal.signal(signal.SIGINT, action)
    try:
        with InterruptsHeld():
            assert signal.getsignal(signal.SIGINT) is action
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_are_never_interrupted():
    during = []

    def hold():
        with InterruptsHeld():
            during.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=hold)
    thread.start()
    thread.join()
    assert during == [signal.getsignal(signal.SIGINT)]
