"""Shared arrays in tasks: what one writes, all see, and the memory is given back."""

import functools
import gc
import os
import sys
from concurrent.futures import Future

import numpy as np
import pytest
from fanfold import Parallel, delayed, run_batch, shared_array, shared_like
from fanfold.contracts import Backend, BackendCapabilities, Executor
from numpy.lib.stride_tricks import as_strided, sliding_window_view

VIEWS = [
    lambda array: array[::3],
    lambda array: array[::-2],
    lambda array: array[5:6, 2:],
    lambda array: array[:, ::-1, None],
    lambda array: array.T,
    lambda array: array.reshape(-1)[7:],
    lambda array: array.view("u1")[3:5, 8:24],
    lambda array: np.asarray(memoryview(array))[1:],
    lambda array: np.frombuffer(array, "u8")[1:],
    lambda array: sliding_window_view(array, 2, axis=0, writeable=True)[0],
    lambda array: as_strided(array[2:], (2, 3), (16, 8)),
]


def fill(out, value):
    out[...] = value
    return os.getpid()


def give_back(value):
    return value


kept = []


def keep(value):
    kept.append(value)
    return os.getpid()


def give_what_was_kept():
    return kept.pop(), os.getpid()


class Table:
    def __init__(self, values):
        self.values = values

    def fill_row(self, row):
        self.values[row] = row


def mappings_of(pid):
    with open(f"/proc/{pid}/maps") as maps:
        return [line for line in maps if "fanfold-shared" in line]


@pytest.fixture(params=["memory", "file"])
def shared(request, tmp_path):
    """Makes shared arrays of each kind in turn."""
    folder = tmp_path if request.param == "file" else None
    return functools.partial(shared_array, temp_folder=folder)


@pytest.fixture
def run(backend):
    return Parallel(n_jobs=2, backend=backend)


class TestWhatTasksWrite:
    def test_is_seen_by_the_caller(self, run, shared):
        out = shared((8, 1000))
        run(delayed(fill)(out[row], row) for row in range(8))
        np.testing.assert_array_equal(out, np.repeat(np.arange(8.0)[:, None], 1000, axis=1))

    def test_is_seen_by_the_caller_with_eight_workers(self):
        out = shared_array((64, 100), int)
        Parallel(n_jobs=8)(delayed(fill)(out[row], row + 1) for row in range(64))
        np.testing.assert_array_equal(out.sum(axis=1), np.arange(1, 65) * 100)

    @pytest.mark.parametrize("view", VIEWS)
    def test_through_a_view_lands_where_it_belongs(self, view):
        array, expected = shared_array((10, 4)), np.zeros((10, 4))
        fill(view(expected), 7)
        Parallel(n_jobs=2)([delayed(fill)(view(array), 7)])
        np.testing.assert_array_equal(array, expected)

    @pytest.mark.parametrize("dtype", [bool, "U5", ">i4", "M8[s]", [("x", "i4"), ("y", "f8")]])
    def test_may_be_of_any_type(self, run, dtype):
        values = np.array([0, 1, 2]).astype(dtype)
        out = shared_like(values)
        run([delayed(fill)(out, values)])
        np.testing.assert_array_equal(out, values)

    def test_is_seen_by_other_tasks_while_they_run(self, concurrent_backend, wait_until):
        def ask(board):
            board[0] = 1
            wait_until(lambda: board[1] == 2, "the other task did not answer")

        def answer(board):
            wait_until(lambda: board[0] == 1, "the other task did not ask")
            board[1] = 2

        board = shared_array(2)
        tasks = [delayed(ask)(board), delayed(answer)(board)]
        Parallel(n_jobs=2, backend=concurrent_backend, batch_size=1)(tasks)
        assert board.tolist() == [1, 2]

    def test_is_seen_even_if_the_task_fails(self, run):
        def write_and_fail(out):
            out[...] = 3
            raise ZeroDivisionError

        out = shared_array(5)
        with pytest.raises(ZeroDivisionError):
            run([delayed(write_and_fail)(out)])
        assert out.tolist() == [3] * 5

    @pytest.mark.parametrize(
        "task",
        [
            lambda out, row: delayed(lambda: fill(out[row], row))(),
            lambda out, row: delayed(functools.partial(fill, out[row]))(row),
            lambda out, row: delayed(Table(out).fill_row)(row),
            lambda out, row: delayed(Table.fill_row)(Table(out), row=row),
        ],
        ids=["closure", "partial", "method", "attribute"],
    )
    def test_is_seen_wherever_the_task_has_the_array_from(self, run, task):
        out = shared_array((3, 4))
        run(task(out, row) for row in range(3))
        np.testing.assert_array_equal(out, np.repeat(np.arange(3.0)[:, None], 4, axis=1))

    def test_is_seen_from_nested_calls(self, backend):
        def fill_columns(row, value):
            Parallel(n_jobs=2, backend=backend)(
                delayed(fill)(row[column : column + 1], value + column) for column in range(4)
            )

        out = shared_array((3, 4), int)
        Parallel(n_jobs=2, backend=backend)(
            delayed(fill_columns)(out[row], 10 * row) for row in range(3)
        )
        assert out.tolist() == [[0, 1, 2, 3], [10, 11, 12, 13], [20, 21, 22, 23]]

    def test_is_refused_where_the_caller_made_a_view_read_only(self, run):
        def is_writeable(array):
            return array.flags.writeable

        array = shared_array(3)
        read_only = array[:]
        read_only.flags.writeable = False
        assert run(delayed(is_writeable)(each) for each in (array, read_only)) == [True, False]


class TestWhatTasksReturn:
    def test_is_the_callers_memory_where_it_came_from_there(self, run, shared):
        array = shared((4, 5))
        whole, part = run(delayed(give_back)(each) for each in (array, array[1:, ::2]))
        array[...] = 9
        assert (whole == 9).all()
        assert part.shape == (3, 3)
        assert (part == 9).all()

    def test_is_the_tasks_memory_even_if_the_caller_kept_no_reference(self, run):
        ((first, second),) = run([delayed(lambda array: (array, array[:]))(shared_array(4))])
        first[...] = 1
        assert second.tolist() == [1, 1, 1, 1]

    def test_is_a_copy_where_the_task_made_the_array(self):
        def make():
            array = shared_array(3)
            array[...] = 4
            return array, array[:0]

        ((array, empty),) = Parallel(n_jobs=2)([delayed(make)()])
        assert array.tolist() == [4, 4, 4]
        assert empty.shape == (0,)

    def test_is_a_copy_where_the_caller_has_let_go_of_the_array(self):
        array = shared_array(3)
        array[...] = 4
        parallel = Parallel(n_jobs=2)
        (kept_by,) = parallel([delayed(keep)(array)])
        del array
        ((kept, given_by),) = parallel([delayed(give_what_was_kept)()])
        assert given_by == kept_by
        assert kept.tolist() == [4, 4, 4]

    def test_is_plain_after_arithmetic(self, run):
        array = shared_array(3)
        (result,) = run([delayed(np.add)(array, 1)])
        array[...] = 8
        assert result.tolist() == [1, 1, 1]


class TestMemory:
    @pytest.mark.parametrize("bind", [False, True], ids=["argument", "partial"])
    def test_outlives_the_callers_references_while_tasks_need_it(self, bind, tmp_path, wait_until):
        def total(array):
            wait_until((tmp_path / "go").exists, "nobody let the tasks begin")
            return array.sum()

        def tasks():
            for value in range(40):
                array = shared_array(1000)
                array[...] = value
                yield delayed(functools.partial(total, array))() if bind else delayed(total)(array)
                del array

        parallel = Parallel(n_jobs=2, return_as="generator", pre_dispatch="all")
        sums = parallel(tasks())
        (tmp_path / "go").touch()
        assert list(sums) == [1000 * value for value in range(40)]

    @pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
    @pytest.mark.parametrize(
        "task",
        [
            lambda out: delayed(fill)(out, 1),
            lambda out: delayed(functools.partial(fill, out))(1),
            lambda out: delayed(lambda: fill(out, 1))(),
        ],
        ids=["argument", "partial", "closure"],
    )
    def test_is_no_longer_mapped_by_workers_after_the_call(self, shared, task):
        (pid,) = Parallel(n_jobs=2)([task(shared(1000))])
        assert pid != os.getpid()
        assert mappings_of(pid) == []

    @pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
    def test_is_no_longer_mapped_by_workers_after_an_error(self):
        def fail(array):
            raise RuntimeError(os.getpid())

        with pytest.raises(RuntimeError) as caught:
            Parallel(n_jobs=2)([delayed(fail)(shared_array(1000))])
        assert mappings_of(caught.value.args[0]) == []

    @pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
    @pytest.mark.parametrize("bind", [False, True], ids=["argument", "partial"])
    def test_is_given_back_in_the_caller(self, run, bind):
        gc.collect()  # an error of an earlier test may hold arrays
        before = mappings_of("self")
        out = shared_array(1000)
        run([delayed(functools.partial(fill, out))(1) if bind else delayed(fill)(out, 1)])
        del out
        assert mappings_of("self") == before

    @pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
    def test_is_mapped_once_by_a_worker(self):
        def count(*views):
            return len(mappings_of("self"))

        array = shared_array(1000)
        assert Parallel(n_jobs=2)([delayed(count)(array, array[::2], array.reshape(10, -1))]) == [1]


class _RunsHere(Executor):
    def submit(self, batch):
        future = Future()
        future.set_result(run_batch(batch.payload, *batch.shared))
        return future

    def close(self, *, abort=False):
        pass


class _Near(Backend):
    name = "near"

    def effective_n_jobs(self, n_jobs):
        return n_jobs

    def executor(self, request):
        return _RunsHere()


class _Far(_Near):
    name = "far"
    capabilities = BackendCapabilities(spans_hosts=True)


class TestBackendsOfOthers:
    def test_on_this_machine_see_the_same_memory(self):
        array = shared_array(3)
        Parallel(n_jobs=2, backend=_Near())([delayed(np.add)(array, 1, out=array)])
        assert array.tolist() == [1, 1, 1]

    def test_on_other_machines_get_copies(self):
        array = shared_array(3)
        (result,) = Parallel(n_jobs=2, backend=_Far())([delayed(np.add)(array, 1, out=array)])
        assert array.tolist() == [0, 0, 0]
        assert result.tolist() == [1, 1, 1]
        assert not np.shares_memory(result, array)

    def test_on_other_machines_get_copies_of_memory_maps(self, tmp_path):
        def look_and_write(array):
            seen = type(array), array.tolist()
            array[...] = 5
            return seen, np.memmap(tmp_path / "results", "f8", "w+", shape=3)

        array = np.memmap(tmp_path / "data", "f8", "w+", shape=3)
        ((seen, result),) = Parallel(n_jobs=2, backend=_Far())([delayed(look_and_write)(array)])
        assert seen == (np.ndarray, [0, 0, 0])
        assert array.tolist() == [0, 0, 0]
        assert type(result) is np.ndarray
