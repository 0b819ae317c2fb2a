"""Hashing from several threads."""

import threading
from concurrent.futures import ThreadPoolExecutor

from fanfold.hashing._registry import Hasher, _Registry

ROOM = """
import meeting_of_threads as meeting

meeting.entered.set()
assert meeting.may_go_on.wait(60)
meeting.registry.add("room_for_threads.Thing", meeting.hasher)
"""


def test_a_thread_waits_for_the_hashers_that_another_is_importing(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "hashers_for_threads.py").write_text(ROOM)
    meeting = type(threading)("meeting_of_threads")
    monkeypatch.setitem(__import__("sys").modules, "meeting_of_threads", meeting)
    meeting.entered, meeting.may_go_on = threading.Event(), threading.Event()
    meeting.hasher = Hasher("room_for_threads.Thing", vars, subclasses=True)
    meeting.registry = _Registry({"room_for_threads": "hashers_for_threads"})
    thing = type("Thing", (), {"__module__": "room_for_threads"})

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(meeting.registry.find, thing)
        assert meeting.entered.wait(60)
        second = threads.submit(meeting.registry.find, thing)
        second.add_done_callback(lambda _: meeting.may_go_on.set())  # wrong: it did not wait
        meeting.may_go_on.wait(0.2)
        meeting.may_go_on.set()

        assert first.result(60) is second.result(60) is meeting.hasher
