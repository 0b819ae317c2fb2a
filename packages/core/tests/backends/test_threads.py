"""The threads backend: its threads stay for the next call, as far as they are few."""

import threading

from fanfold import Parallel, delayed


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


def test_no_more_than_a_few_stay_idle(run_script):
    # In a process of its own: tasks of other tests may have left threads behind.
    source = """
import threading, time
from fanfold import Parallel, delayed
from fanfold.backends import threads

def workers():
    return [thread for thread in threading.enumerate() if thread.name == "fanfold-worker"]

threads._Stock.MOST_IDLE = 1
all_are_there = threading.Barrier(3)
run = Parallel(n_jobs=3, backend="threads", batch_size=1)
run(delayed(all_are_there.wait)() for _ in range(3))
deadline = time.monotonic() + 100
while len(workers()) != 1:
    assert time.monotonic() < deadline, "surplus threads do not end"
    time.sleep(0.005)
"""
    run_script(source)
