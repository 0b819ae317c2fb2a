"""Large arrays travel through shared memory: what tasks and callers see of that."""

import os
import signal
import threading

import numpy as np
import pytest
from fanfold import Parallel, delayed
from fanfold.backends.processes import ProcessesBackend
from fanfold.backends.processes.stock import stock

LARGE = 300_000  # elements of 8 bytes: more than max_nbytes
MIDDLE = 30_000  # less, but more than what goes into the pickle stream

kept = {}


def total(array):
    return float(array.sum())


def may_write(array):
    return bool(array.flags.writeable)


def make(value, n=LARGE):
    return np.full(n, float(value))


def write(array, value):
    array[:] = value
    return float(array[0]), os.getpid()


def read_first(array):
    return float(array[0])


def keep(name, array):
    kept.setdefault(name, array)
    return os.getpid()


def look_at_kept(name):
    return float(kept[name].sum()) if name in kept else None


def die(array):
    os.kill(os.getpid(), signal.SIGKILL)


def exported_sum(buffer):
    return sum(memoryview(buffer)[:10])


@pytest.fixture(scope="module")
def parallel():
    return Parallel(n_jobs=2)


class CountingBackend(ProcessesBackend):
    """Counts what is put in shared memory."""

    name = "counting"

    def __init__(self):
        super().__init__()
        self.puts = []

    def executor(self, request):
        executor = super().executor(request)
        put = executor.put

        def count_and_put(data):
            self.puts.append(data.nbytes)
            return put(data)

        executor.put = count_and_put
        return executor


class TestArguments:
    @pytest.mark.parametrize("n", [MIDDLE, LARGE])
    def test_arrive_whole(self, parallel, n):
        arrays = [np.arange(n) + i for i in range(5)]
        assert parallel(delayed(total)(a) for a in arrays) == [float(a.sum()) for a in arrays]

    @pytest.mark.parametrize(
        ("n", "settings", "expected"),
        [
            (LARGE, {}, False),
            (MIDDLE, {}, True),
            (MIDDLE, {"max_nbytes": 100_000}, False),
            (MIDDLE, {"max_nbytes": "100K"}, False),
            (LARGE, {"max_nbytes": "1G"}, True),
            (LARGE, {"max_nbytes": None}, True),
            (LARGE, {"mmap_mode": None}, True),
            (LARGE, {"mmap_mode": "r"}, False),
            (LARGE, {"mmap_mode": "c"}, True),
            (LARGE, {"mmap_mode": "r+"}, True),
            (LARGE, {"mmap_mode": "w+"}, True),
        ],
    )
    def test_may_be_written_to_as_mmap_mode_says(self, n, settings, expected):
        array = np.zeros(n)
        assert (
            Parallel(2, **settings)(delayed(may_write)(array) for _ in range(2)) == [expected] * 2
        )

    @pytest.mark.parametrize("settings", [{"mmap_mode": "c"}, {"max_nbytes": None}])
    def test_written_to_as_copies_change_for_nobody_else(self, settings):
        array = np.zeros(LARGE)
        parallel = Parallel(2, batch_size=1, **settings)
        parallel(delayed(write)(array, i + 1) for i in range(4))
        assert parallel(delayed(read_first)(array) for _ in range(4)) == [0.0] * 4
        assert array[0] == 0

    def test_written_to_in_place_change_for_the_other_tasks_of_the_call(self):
        array = np.zeros(LARGE)
        calls = [delayed(write)(array, 5.0), *[delayed(read_first)(array)] * 3]
        results = Parallel(2, mmap_mode="r+", pre_dispatch=1, batch_size=1)(calls)
        assert results[1:] == [5.0] * 3
        assert array[0] == 0

    def test_written_to_in_place_are_as_the_caller_has_them_in_the_next_call(self):
        array = np.zeros(LARGE)
        parallel = Parallel(2, mmap_mode="r+", batch_size=1)
        for _ in range(4):
            assert parallel([delayed(read_first)(array)] * 2) == [0.0, 0.0]
            parallel([delayed(write)(array, 5.0)] * 2)

    @pytest.mark.parametrize("n", [MIDDLE, LARGE])
    def test_below_max_nbytes_written_to_are_as_the_caller_has_them_in_the_next_call(self, n):
        array = np.zeros(n)
        parallel = Parallel(2, max_nbytes="1G", batch_size=1)
        for _ in range(4):
            assert parallel([delayed(read_first)(array)] * 2) == [0.0, 0.0]
            parallel([delayed(write)(array, 5.0)] * 2)

    @pytest.mark.parametrize("order", ["C", "F"])
    def test_keep_shape_order_and_element_type(self, parallel, order):
        array = np.asarray(np.arange(LARGE).reshape(3, 100, 1000), ">i4", order=order)
        [result] = parallel([delayed(np.asarray)(array)])
        np.testing.assert_array_equal(result, array)
        assert (result.dtype, result.flags.fnc) == (array.dtype, array.flags.fnc)

    def test_changed_between_two_calls_are_seen_anew(self, parallel):
        array = np.ones(LARGE)
        for index in range(5):
            array[index] = 10
            assert parallel([delayed(total)(array)] * 2) == [LARGE + 9.0 * (index + 1)] * 2

    @pytest.mark.parametrize("n", [MIDDLE, LARGE])
    def test_filled_anew_by_the_generator_arrive_as_they_were(self, parallel, n):
        array = np.empty(n)

        def tasks():
            for value in range(10):
                array[:] = value
                yield delayed(total)(array)

        assert parallel(tasks()) == [float(n * value) for value in range(10)]

    def test_freed_by_the_generator_are_not_taken_for_later_ones(self, parallel):
        tasks = (delayed(total)(make(value)) for value in range(20))
        assert parallel(tasks) == [float(LARGE * value) for value in range(20)]

    def test_given_to_many_tasks_are_put_once_in_each_call(self):
        backend = CountingBackend()
        array = np.ones((3, LARGE))
        for n_calls in (1, 2):
            Parallel(2, backend=backend)(delayed(total)(array) for _ in range(20))
            assert backend.puts == [array.nbytes] * n_calls

    def test_that_are_views_of_one_are_put_once_each(self):
        backend = CountingBackend()
        array = np.ones((3, LARGE))
        Parallel(2, backend=backend)(delayed(total)(array[i % 3]) for i in range(12))
        assert backend.puts == [array[0].nbytes] * 3

    def test_that_a_task_keeps_are_not_overwritten_by_later_calls(self, parallel):
        for number in range(20):
            parallel(delayed(keep)(f"kept {n}", make(n)) for n in (1, 2))
            parallel(delayed(total)(make(number)) for _ in range(4))
        seen = parallel(delayed(look_at_kept)(f"kept {n}") for n in (1, 2) for _ in range(4))
        assert set(seen[:4]) <= {None, LARGE * 1.0}
        assert set(seen[4:]) <= {None, LARGE * 2.0}
        assert set(seen) != {None}

    def test_of_a_batch_that_is_taken_back_arrive_elsewhere(self):
        import time

        def slow(array, seconds):
            time.sleep(seconds)  # the work that keeps a worker busy, not a way to wait for it
            return total(array)

        tasks = [delayed(slow)(make(i), 0.2 if i == 0 else 0.0) for i in range(8)]
        assert Parallel(2, batch_size=1)(tasks) == [float(LARGE * i) for i in range(8)]

    def test_of_pandas_and_arrow_arrive_whole(self, parallel):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame({"a": np.arange(LARGE), "b": np.ones(LARGE)})
        [result] = parallel([delayed(pandas.DataFrame)(frame)])
        pandas.testing.assert_frame_equal(result, frame)

    def test_go_to_files_in_temp_folder_that_are_gone_afterwards(self, tmp_path):
        array = np.ones(LARGE)
        seen = Parallel(2, temp_folder=str(tmp_path))(
            delayed(lambda array, path: (total(array), len(os.listdir(path))))(array, tmp_path)
            for _ in range(3)
        )
        assert seen == [(LARGE * 1.0, 1)] * 3
        assert os.listdir(tmp_path) == []

    def test_go_to_a_temp_folder_that_is_made_for_them(self, tmp_path):
        folder = tmp_path / "not" / "yet"
        parallel = Parallel(2, temp_folder=str(folder))
        assert parallel([delayed(total)(np.ones(LARGE))]) == [LARGE * 1.0]
        assert folder.is_dir()

    def test_go_through_sockets_where_temp_folder_cannot_be(self, run_script, tmp_path):
        (tmp_path / "file").touch()
        source = """
import numpy as np, sys
from fanfold import Parallel, delayed
parallel = Parallel(2, temp_folder=sys.argv[1])
for _ in range(2):
    print(float(parallel([delayed(np.sum)(np.ones(300_000))])[0]))
"""
        done = run_script(source, str(tmp_path / "file" / "folder"))
        assert done.stdout == "300000.0\n" * 2
        assert done.stderr.count("FanfoldWarning") == 1
        assert f"do not all go through temp_folder='{tmp_path}/file/folder'" in done.stderr


class TestByteStrings:
    @pytest.mark.parametrize("kind", [bytes, bytearray])
    @pytest.mark.parametrize("n", [10, MIDDLE, 8 * LARGE])
    def test_go_there_and_back(self, parallel, kind, n):
        given = [kind([i]) * n for i in range(4)]
        results = parallel(delayed(kind)(one) for one in given)
        assert [type(one) for one in results] == [kind] * 4
        assert [one == other for one, other in zip(results, given, strict=True)] == [True] * 4

    def test_may_be_keyword_arguments(self, parallel):
        def ends(*, data):
            return type(data).__name__, len(data), data[-1]

        data = bytearray(8 * LARGE - 1) + b"x"
        assert parallel([delayed(ends)(data=data)]) == [("bytearray", 8 * LARGE, ord("x"))]

    @pytest.mark.parametrize("kind", [bytes, bytearray])
    def test_given_to_many_tasks_are_stored_once(self, kind):
        backend = CountingBackend()
        data = kind(8 * LARGE)
        assert (
            Parallel(2, backend=backend)(delayed(len)(data) for _ in range(20)) == [8 * LARGE] * 20
        )
        assert backend.puts == [8 * LARGE]

    def test_that_change_are_seen_as_they_are(self, parallel):
        data = bytearray(8 * LARGE)

        def changing():
            for i in range(4):
                data[:] = bytes([i]) * len(data)
                yield delayed(set)(data)

        assert parallel(changing()) == [{i} for i in range(4)]

    def test_given_twice_are_one_thing_to_the_task(self, parallel):
        def compare(one, other, inside):
            return one is other, one is inside[0] if inside else None

        data = bytearray(8 * LARGE)
        both = parallel(delayed(compare)(data, data, inside) for inside in (None, [data]))
        assert both == [(True, None), (True, True)]

    def test_a_task_may_write_to_its_bytearray(self, parallel):
        def write(data):
            data[0] = 1
            return sum(data)

        data = bytearray(8 * LARGE)
        assert parallel(delayed(write)(data) for _ in range(4)) == [1] * 4
        assert data[0] == 0


class TestResults:
    @pytest.mark.parametrize("n", [MIDDLE, LARGE])
    def test_come_whole_and_may_be_written_to(self, parallel, n):
        results = parallel(delayed(make)(i, n) for i in range(6))
        for value, result in enumerate(results):
            assert (result == value).all()
            result[0] = 9

    def test_that_are_kept_are_not_overwritten_by_later_ones(self, parallel):
        first = parallel(delayed(make)(i) for i in range(6))
        for _ in range(5):
            parallel(delayed(make)(-1) for _ in range(6))
        assert [float(array.sum()) for array in first] == [float(LARGE * i) for i in range(6)]

    def test_outlive_their_worker(self):
        results = Parallel(2)(delayed(make)(i) for i in range(4))
        stock.close()
        assert [float(array.sum()) for array in results] == [float(LARGE * i) for i in range(4)]

    def test_that_are_the_argument_are_not_overwritten_by_later_ones(self, parallel):
        results = parallel(delayed(np.asarray)(make(i)) for i in range(4))
        for _ in range(5):
            parallel(delayed(np.asarray)(make(-1)) for _ in range(6))
        assert [float(array.sum()) for array in results] == [float(LARGE * i) for i in range(4)]

    def test_with_one_array_twice_have_it_twice(self, parallel):
        [pair] = parallel([delayed(lambda: [make(3)] * 2)()])
        assert pair[0] is pair[1]


class TestSideBySide:
    def test_calls_from_many_threads_do_not_mix_up_their_arrays(self):
        def use(number, failures):
            for n in (MIDDLE, LARGE) * 5:
                arrays = [make(number * 10 + i, n) for i in range(4)]
                results = Parallel(2)(delayed(np.negative)(array) for array in arrays)
                for array, result in zip(arrays, results, strict=True):
                    if not (array == -result).all():
                        failures.append((number, n))

        failures = []
        threads = [threading.Thread(target=use, args=(i, failures)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []

    def test_threads_that_are_the_first_to_need_segments_get_the_same(self, monkeypatch):
        both_are_there = threading.Barrier(2)

        def budget():
            both_are_there.wait()
            return 1 << 30

        monkeypatch.setattr("fanfold.backends.processes.budget.memory_budget", budget)
        monkeypatch.setattr(stock, "known_segments", None)
        pools = []
        threads = [threading.Thread(target=lambda: pools.append(stock.segments)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert pools[0] is pools[1]

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    def test_a_forked_child_sees_its_results_for_as_long_as_it_lives(self, parallel):
        results = parallel(delayed(make)(i) for i in range(4))
        ready, go_on = os.pipe(), os.pipe()
        child = os.fork()
        if child == 0:
            os.write(ready[1], b"1")
            os.read(go_on[0], 1)
            is_right = [float(array.sum()) for array in results] == [
                float(LARGE * i) for i in range(4)
            ]
            os._exit(0 if is_right else 1)
        os.read(ready[0], 1)
        del results
        for _ in range(4):
            parallel(delayed(make)(-1) for _ in range(8))
        os.write(go_on[1], b"1")
        assert os.waitpid(child, 0)[1] == 0
        for descriptor in (*ready, *go_on):
            os.close(descriptor)

    def test_a_worker_that_is_killed_gives_its_segments_back(self, parallel):
        pool = stock.segments
        for _ in range(10):
            with pytest.raises(Exception, match="SIGKILL"):
                parallel([delayed(die)(make(1))])
        Parallel(2)(delayed(total)(make(i)) for i in range(4))
        in_use = [segment for segment in pool._live.values() if segment.n_parts]
        assert len(in_use) <= 4
