"""Workers are killed, or stopped, and no call hangs, and none gets a wrong result."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    "moment",
    [
        "idle",
        "receiving",
        "in_a_task",
        "sending",
        "after_sending",
        "beside_another_call",
        "stopped_in_a_task",
        "stopped_in_one_task_of_many",
        "stopped_while_idle",
        "paused",
    ],
)
def test_a_worker_that_suffers_harms_only_what_it_was_doing(moment, start, rounds):
    start("lost_workers.py", moment, rounds).finish()
