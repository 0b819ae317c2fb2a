"""share(): one object for many tasks and calls, pickled once and rebuilt once in each worker."""

import copy
import errno
import gc
import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from fanfold import Parallel, Shared, delayed, share
from fanfold.errors import UnpicklableTaskError


class Counted:
    """Counts in a file how often it was pickled and rebuilt."""

    def __init__(self, path, payload):
        self.path = path
        self.payload = payload

    def __getstate__(self):
        with open(self.path / "pickled", "a") as file:
            file.write("x")
        return self.__dict__

    def __setstate__(self, state):
        self.__dict__ = state
        with open(self.path / "rebuilt", "a") as file:
            file.write(f"{os.getpid()}\n")


def read(path):
    return path.read_text() if path.exists() else ""


def size(counted, factor=1):
    return len(counted.payload) * factor


def kind(value):
    return type(value).__name__


def identity(value):
    return os.getpid(), id(value)


def nested_kind(values):
    return [type(value).__name__ for value in values]


def nested_total(values):
    return [sum(value.value) for value in values]


@pytest.fixture(params=["processes", "threads", "sequential"])
def backend(request):
    return request.param


def test_tasks_are_called_with_the_object(backend):
    shared = share({"a": 1})
    assert Parallel(2, backend=backend)(delayed(kind)(shared) for _ in range(3)) == ["dict"] * 3
    assert Parallel(2, backend=backend)([delayed(kind)(value=shared)]) == ["dict"]


def test_inside_of_other_arguments_it_is_a_handle(backend):
    shared = share([1, 2])
    tasks = [delayed(nested_kind)([shared]), delayed(nested_total)([shared, shared])]
    assert Parallel(2, backend=backend)(tasks) == [["Shared"], [3, 3]]


@pytest.mark.parametrize("payload", ["x" * 10, "x" * 3_000_000])
def test_it_is_pickled_once_and_rebuilt_once_in_each_worker(tmp_path, payload):
    shared = share(Counted(tmp_path, payload))
    for _ in range(3):
        results = Parallel(2, batch_size=1)(delayed(size)(shared) for _ in range(8))
        assert results == [len(payload)] * 8
    assert read(tmp_path / "pickled") == "x"
    rebuilt = read(tmp_path / "rebuilt").split()
    assert 1 <= len(rebuilt) == len(set(rebuilt)) <= 2


def test_tasks_on_one_worker_see_the_very_same_object():
    shared = share([1.0] * 10)
    seen = Parallel(2, batch_size=1)(delayed(identity)(shared) for _ in range(10))
    assert len(set(seen)) == len({pid for pid, _ in seen})


def test_arrays_in_it_are_views_that_cannot_be_written_to():
    shared = share({"weights": np.arange(400_000.0)})
    look = delayed(lambda model: (model["weights"].flags.writeable, model["weights"].sum()))
    assert Parallel(2)([look(shared)] * 3) == [(False, np.arange(400_000.0).sum())] * 3


def test_it_is_as_it_was_when_it_was_shared():
    values = [1, 2]
    shared = share(values)
    values.append(3)
    assert Parallel(2)([delayed(len)(shared)] * 2) == [2, 2]


def test_several_objects_do_not_mix():
    handles = [share([number] * 100_000) for number in range(30)]
    for _ in range(2):
        assert Parallel(2)(delayed(sum)(handle) for handle in handles) == [
            number * 100_000 for number in range(30)
        ]


def test_workers_let_go_of_it_when_the_handle_is_gone(tmp_path):
    class Watched:
        def __del__(self):
            with open(tmp_path / str(os.getpid()), "w"):
                pass

    Parallel(2)([delayed(kind)(share(Watched()))])
    gc.collect()
    pids = set(Parallel(2, batch_size=1)(delayed(os.getpid)() for _ in range(20)))
    gone = {int(path.name) for path in tmp_path.iterdir()}
    assert gone & pids


def test_a_task_may_return_the_handle(backend):
    shared = share([1, 2])
    [result] = Parallel(2, backend=backend)([delayed(lambda values: values[0])([shared])])
    assert isinstance(result, Shared)
    assert result.value == [1, 2]


def test_a_shared_handle_is_shared_already():
    shared = share([1])
    assert share(shared) is shared


def test_calls_from_many_threads_share_it():
    shared = share(list(range(200_000)))
    results = []

    def use():
        results.extend(Parallel(2)([delayed(sum)(shared)] * 3))

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [sum(range(200_000))] * 12


def test_what_cannot_be_pickled_is_refused_by_name():
    with pytest.raises(UnpicklableTaskError, match=r"value\['lock'\]"):
        share({"lock": threading.Lock()})


def test_the_handle_shows_what_it_holds():
    assert repr(share([1, 2])).startswith("<Shared list, ")


@pytest.mark.parametrize("duplicate", [copy.copy, lambda x: pickle.loads(pickle.dumps(x, 5))])
def test_a_pickled_handle_holds_the_same_value(duplicate):
    assert duplicate(share({"a": np.arange(3)})).value["a"].tolist() == [0, 1, 2]


_both_rebuild = threading.Barrier(2)


class _RebuiltTogether:
    def __reduce__(self):
        return _rebuild_together, ()


def _rebuild_together():
    _both_rebuild.wait(60)
    return _RebuiltTogether()


def test_threads_of_one_worker_that_rebuild_it_at_once_see_the_very_same_object():
    handle = share(_RebuiltTogether())
    sent = pickle.dumps(handle, 5)

    with ThreadPoolExecutor(2) as threads:
        one, other = threads.map(pickle.loads, [sent, sent])

    assert one.value is other.value


def test_memory_that_is_full_while_it_is_written_is_an_error(monkeypatch):
    def write(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", write)
    with pytest.raises(MemoryError, match=r"cannot keep \d+ bytes of a shared object.*No space"):
        share([1])
