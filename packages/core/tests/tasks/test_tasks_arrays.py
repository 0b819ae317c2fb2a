"""How arrays travel to workers and back: memory maps as references to their file."""

import copyreg
import os
import pickle
import sys
import tempfile
from concurrent.futures import Future
from fractions import Fraction

import numpy as np
import pytest
from fanfold import Parallel, delayed, dump, load, run_batch
from fanfold.contracts import Backend, Executor
from fanfold.tasks.pickling import TaskPickler, are_atoms, dumps

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

VIEWS = [
    lambda array: array,
    lambda array: array[3:],
    lambda array: array[::-2, 1:3],
    lambda array: array.T,
    lambda array: np.asarray(array)[2:, ::2],
    lambda array: array.reshape(-1)[5:7].view("u1"),
]


def fill(out, value):
    out[...] = value


def sum_row(rows, sums, i):
    sums[i] = rows[i].sum()


def look(array):
    filename = getattr(array, "filename", None)
    return type(array), getattr(array, "mode", None), str(filename), array.tolist()


@pytest.fixture
def run(backend):
    return Parallel(n_jobs=2, backend=backend)


@pytest.fixture
def on_processes():
    return Parallel(n_jobs=2)


@pytest.fixture
def mapped(tmp_path):
    """A memory map of 10 rows of 4 numbers that begins in the middle of a page."""
    array = np.memmap(tmp_path / "mapped", "f8", "w+", offset=5000, shape=(10, 4))
    array[...] = np.arange(40).reshape(10, 4)
    return array


class TestMemoryMaps:
    def test_are_filled_in_place_by_workers(self, run, tmp_path):
        rows = np.random.default_rng(0).random((20, 1000))
        dump(rows, tmp_path / "rows")
        sums = np.memmap(tmp_path / "sums", "f8", "w+", shape=20)
        run(delayed(sum_row)(load(tmp_path / "rows", mmap_mode="r"), sums, i) for i in range(20))
        np.testing.assert_array_equal(sums, rows.sum(axis=1))
        np.testing.assert_array_equal(np.fromfile(tmp_path / "sums"), sums)

    @pytest.mark.parametrize("view", VIEWS)
    def test_show_their_place_in_the_file_through_any_view(self, on_processes, mapped, view):
        expected = np.array(mapped)
        assert (
            on_processes([delayed(np.array)(view(mapped))])[0].tolist() == view(expected).tolist()
        )
        fill(view(expected), 99)
        on_processes([delayed(fill)(view(mapped), 99)])
        np.testing.assert_array_equal(mapped, expected)

    @pytest.mark.parametrize(("mode", "arrives"), [("r", "r"), ("r+", "r+"), ("w+", "r+")])
    def test_arrive_as_memory_maps_of_the_file(self, on_processes, tmp_path, mode, arrives):
        np.arange(3.0).tofile(tmp_path / "data")
        array = np.memmap(tmp_path / "data", mode=mode, dtype="f8", shape=3)
        (seen,) = on_processes([delayed(look)(array)])
        assert seen == (np.memmap, arrives, str(tmp_path / "data"), array.tolist())

    def test_that_are_read_only_stay_so(self, on_processes, mapped):
        read_only = np.memmap(mapped.filename, mode="r", dtype="f8")
        with pytest.raises(ValueError, match="read-only"):
            on_processes([delayed(fill)(np.asarray(read_only), 1)])

    def test_know_their_place_in_the_file(self, on_processes, mapped):
        (offset,) = on_processes([delayed(lambda array: array.offset)(mapped[1:])])
        assert offset == 5000 + 4 * 8

    def test_can_be_flushed_by_workers(self, on_processes, mapped):
        on_processes([delayed(lambda array: array.flush())(mapped)])

    def test_take_private_changes_along(self, run, mapped):
        private = np.memmap(mapped.filename, "f8", "c", offset=5000, shape=(10, 4))
        private[0] = 77
        (seen,) = run([delayed(np.array)(private[:1])])
        assert seen.tolist() == [[77] * 4]
        assert mapped[0].tolist() == [0, 1, 2, 3]

    def test_arrive_when_their_file_is_deleted(self, on_processes, mapped):
        os.unlink(mapped.filename)
        (seen,) = on_processes([delayed(look)(mapped)])
        assert seen == (np.ndarray, None, "None", mapped.tolist())

    @on_linux
    @pytest.mark.parametrize("sent_before", [False, True])
    @pytest.mark.parametrize("rename_first", [False, True])
    def test_are_not_mistaken_for_another_file(
        self, on_processes, mapped, tmp_path, sent_before, rename_first
    ):
        if sent_before:
            on_processes([delayed(np.array)(mapped)])
        if rename_first:
            os.rename(mapped.filename, tmp_path / "renamed")
        np.zeros(1000).tofile(tmp_path / "other")
        os.replace(tmp_path / "other", mapped.filename)
        (seen,) = on_processes([delayed(np.array)(mapped)])
        np.testing.assert_array_equal(seen, mapped)

    def test_whose_file_is_replaced_on_the_way_are_refused(self, mapped, tmp_path, wait_until):
        def wait(go):
            wait_until(go.exists, "nobody replaced the file")

        parallel = Parallel(n_jobs=2, return_as="generator", pre_dispatch="all", batch_size=1)
        tasks = [delayed(wait)(tmp_path / "go")] * 2 + [delayed(np.array)(mapped)]
        results = parallel(tasks)
        np.zeros(1000).tofile(tmp_path / "other")
        os.replace(tmp_path / "other", mapped.filename)
        (tmp_path / "go").touch()
        with pytest.raises(FileNotFoundError, match=r"what is at '.*mapped' now is another file"):
            list(results)

    def test_of_a_linked_file_are_written_to(self, on_processes, tmp_path):
        np.zeros(3).tofile(tmp_path / "data")
        (tmp_path / "link").symlink_to(tmp_path / "data")
        os.link(tmp_path / "data", tmp_path / "second name")
        linked, named = (np.memmap(tmp_path / name, "f8", "r+") for name in ("link", "second name"))
        on_processes([delayed(fill)(linked[:1], 1), delayed(fill)(named[1:], 2)])
        assert np.fromfile(tmp_path / "data").tolist() == [1, 2, 2]

    def test_of_a_file_that_grew_are_seen_whole(self, on_processes, tmp_path):
        def look_at_both(first):
            with open(first.filename, "ab") as file:
                np.arange(5000.0).tofile(file)
            grown = np.memmap(first.filename, "f8", "r+")
            return Parallel(n_jobs=2, backend="processes")(
                delayed(np.sum)(array) for array in (first, grown)
            )

        np.ones(3).tofile(tmp_path / "data")
        array = np.memmap(tmp_path / "data", "f8", "r+")
        assert on_processes([delayed(look_at_both)(array)]) == [[3, 3 + 4999 * 2500]]

    def test_of_a_file_without_a_name_arrive(self, on_processes):
        with tempfile.TemporaryFile() as file:
            array = np.memmap(file, "f8", "w+", shape=3)
        array[...] = 6
        (seen,) = on_processes([delayed(np.array)(array)])
        assert seen.tolist() == [6, 6, 6]

    def test_that_were_copied_arrive(self, on_processes, mapped):
        copied = mapped[:1].copy()
        assert type(copied) is np.memmap
        (seen,) = on_processes([delayed(look)(copied)])
        assert seen == (np.ndarray, None, "None", [[0, 1, 2, 3]])

    def test_that_are_empty_arrive(self, on_processes, mapped):
        (seen,) = on_processes([delayed(np.shape)(mapped[5:5])])
        assert seen == (0, 4)

    def test_come_back_as_memory_maps(self, run, mapped, tmp_path):
        def make(folder, i):
            array = np.memmap(folder / f"made {i}", "f8", "w+", shape=(3, 4))
            array[...] = i
            return array

        first, second = run(delayed(make)(tmp_path, i) for i in range(2))
        (third,) = run([delayed(lambda array: array[::2])(mapped)])
        assert [type(array) for array in (first, second, third)] == [np.memmap] * 3
        second[1] = 8
        third[1] = 9
        assert np.fromfile(tmp_path / "made 1").reshape(3, 4)[1].tolist() == [8] * 4
        assert mapped[2].tolist() == [9] * 4

    @on_linux
    def test_are_unmapped_by_workers_after_the_call(self, on_processes, mapped):
        (pid,) = on_processes([delayed(lambda array: os.getpid())(mapped)])
        with open(f"/proc/{pid}/maps") as maps:
            assert str(mapped.filename) not in maps.read()


class TestPayload:
    @pytest.mark.parametrize("view", VIEWS)
    def test_does_not_hold_what_a_file_holds(self, tmp_path, view):
        sizes = []

        class Recording(Backend, Executor):
            name = "recording"

            def effective_n_jobs(self, n_jobs):
                return n_jobs

            def executor(self, request):
                return self

            def submit(self, batch):
                sizes.append(len(batch.payload))
                future = Future()
                future.set_result(run_batch(batch.payload))
                return future

            def close(self, *, abort=False):
                pass

        array = np.memmap(tmp_path / "data", "f8", "w+", shape=(1000, 1000))
        (shape,) = Parallel(n_jobs=2, backend=Recording())([delayed(np.shape)(view(array))])
        assert shape == view(array).shape
        assert max(sizes) < 2000


class TestPickler:
    @pytest.fixture(params=[True, False], ids=["near", "far"])
    def pickler(self, request):
        return TaskPickler(same_host=request.param, can_wait=True)

    @pytest.mark.parametrize("beside", [1, lambda: 1], ids=["by name", "by value"])
    def test_leaves_large_arrays_out_of_the_stream(self, pickler, beside):
        arrays = [np.arange(100_000.0), np.zeros((300, 300), order="F"), np.arange(1e6)[7:]]
        data, buffers, pins = pickler.dumps_with_buffers((arrays, beside))
        assert len(data) < 4000
        assert [buffer.nbytes for buffer in buffers] == [array.nbytes for array in arrays]
        assert not pins
        for array, loaded in zip(arrays, pickle.loads(data, buffers=buffers)[0], strict=True):
            np.testing.assert_array_equal(array, loaded)

    def test_keeps_small_and_scattered_arrays_in_the_stream(self, pickler):
        arrays = [np.arange(10.0), np.arange(1e5)[::2], np.array([None, 1]), np.array(3)]
        data, buffers, _ = pickler.dumps_with_buffers(arrays)
        assert buffers == []
        for array, loaded in zip(arrays, pickle.loads(data), strict=True):
            np.testing.assert_array_equal(array, loaded)

    def test_keeps_all_in_the_stream_where_that_is_asked(self, pickler):
        data, _ = pickler.dumps(np.arange(1e6))
        np.testing.assert_array_equal(pickle.loads(data), np.arange(1e6))

    def test_heeds_what_others_registered(self, pickler, monkeypatch):
        monkeypatch.setitem(copyreg.dispatch_table, Fraction, lambda value: (str, ("registered",)))
        data, _ = pickler.dumps([Fraction(1, 2), np.zeros(1)])
        assert pickle.loads(data)[0] == "registered"

    def test_registers_nothing_for_others(self, pickler, mapped):
        registered = dict(copyreg.dispatch_table)
        pickler.dumps(mapped)
        assert copyreg.dispatch_table == registered
        assert pickle.loads(pickle.dumps(mapped)).filename is None

    @pytest.mark.parametrize("value", [None, True, 1, 1.5, 1j, "text", b"bytes"])
    def test_need_not_look_at_atoms(self, value):
        assert are_atoms([value, value])
        assert pickle.loads(dumps(value)) == value

    @pytest.mark.parametrize("value", [(), [], {}, np.zeros(1), np.float64(1), len, int])
    def test_looks_at_all_else(self, value):
        assert not are_atoms([1, value])
