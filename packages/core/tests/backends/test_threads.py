"""The threads backend: its threads stay for the next call, as far as they are few."""

import threading

from fanfold import Parallel, delayed
from fanfold.backends import threads
from fanfold.backends.threads import ThreadsBackend


def workers():
    return [thread for thread in threading.enumerate() if thread.name == "fanfold-worker"]


def use_threads(count):
    """Have so many threads run a task at once."""
    all_are_there = threading.Barrier(count)
    run = Parallel(n_jobs=count, backend="threads", batch_size=1)
    run(delayed(all_are_there.wait)() for _ in range(count))


def test_they_serve_call_after_call():
    use_threads(2)
    first = set(workers())

    use_threads(2)

    assert first & set(workers())


def test_no_more_than_a_few_stay_idle(wait_until, monkeypatch):
    ThreadsBackend().close()
    wait_until(lambda: not workers(), "idle threads do not end")
    monkeypatch.setattr(threads._Stock, "MOST_IDLE", 1)

    use_threads(3)

    wait_until(lambda: len(workers()) == 1, "surplus threads do not end")
