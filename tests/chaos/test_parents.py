"""The program itself is killed, interrupted, or forks."""

from __future__ import annotations

import random
import signal
import time

from tests.chaos.harness import FULL_ROUNDS

INTERRUPTS = 200
SECONDS_TO_ANSWER = 20


def test_nothing_is_left_of_a_program_that_is_killed(start, rounds):
    moments = random.Random(0)
    for _ in range(2 * rounds):
        program = start("endless.py")
        assert program.line() == "warm"
        time.sleep(moments.uniform(0, 0.1))  # any moment will do

        program.kill()


def test_a_program_that_is_interrupted_goes_on_and_loses_nothing(start, rounds):
    moments = random.Random(0)
    program = start("interrupted.py")
    for number in range(INTERRUPTS * rounds // FULL_ROUNDS):
        program.tell("begin")
        assert program.line() == "begun"
        time.sleep(moments.uniform(0, 0.03))  # any moment will do

        program.signal(signal.SIGINT, to_all=number % 2 == 1)

        answer = program.line(within=SECONDS_TO_ANSWER)
        if answer is None:
            # Python ignores what is raised while it destroys an object: Ctrl-C is to be pressed
            # again then. That must be all there is to it.
            program.signal(signal.SIGINT)
            answer = program.line()
        assert answer == "ended"
    program.end_of_input()
    program.finish()


def test_a_program_that_forks_goes_on_in_both_processes(start, rounds):
    start("forking.py", rounds).finish()
