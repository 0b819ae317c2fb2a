"""Large values are compressed and decompressed on several threads, if there are CPUs for them."""

import base64
import io
import threading

import numpy as np
import pytest
from fanfold import Parallel, cpu_count, delayed
from fanfold.errors import CorruptFileError
from fanfold.persistence import Compressor, dump, load, register_compressor

METHODS = ["zlib", "gzip", "bz2", "lzma", "xz", "lz4", "zstd"]
QUICK = ["zlib", "lz4", "zstd"]
LARGE = np.arange(1_000_000) % 1000 * 3  # 8 blocks


class Recording(Compressor):
    """A compressor that knows which threads used it."""

    def __init__(self):
        self.threads = set()

    def compress(self, data, level):
        self.threads.add(threading.current_thread().name)
        return base64.b64encode(data)

    def decompress(self, data, size):
        self.threads.add(threading.current_thread().name)
        return base64.b64decode(data)


@pytest.fixture
def recording():
    recording = Recording()
    register_compressor("recording", recording, force=True)
    return recording


def dumped(value, compress="recording"):
    file = io.BytesIO()
    dump(value, file, compress=compress)
    file.seek(0)
    return file


@pytest.mark.parametrize("method", METHODS)
def test_a_value_of_many_blocks_comes_back(method):
    value = [LARGE, list(range(400_000)), LARGE[::-1], "end"]

    loaded = load(dumped(value, compress=(method, 1)))

    np.testing.assert_array_equal(loaded[0], LARGE)
    assert loaded[1] == value[1]
    np.testing.assert_array_equal(loaded[2], LARGE[::-1])
    assert loaded[3] == "end"


@pytest.mark.parametrize("method", QUICK)
def test_the_file_is_the_same_on_one_cpu(method, monkeypatch):
    usual = dumped(LARGE, compress=(method, 1)).getvalue()

    monkeypatch.setenv("FANFOLD_MAX_CPU_COUNT", "1")

    assert dumped(LARGE, compress=(method, 1)).getvalue() == usual


@pytest.mark.skipif(cpu_count() == 1, reason="there is only one CPU")
def test_threads_take_part(recording):
    load(dumped(LARGE))

    assert any(name.startswith("fanfold-compression") for name in recording.threads)


def test_one_cpu_means_one_thread(recording, monkeypatch):
    monkeypatch.setenv("FANFOLD_MAX_CPU_COUNT", "1")

    load(dumped(LARGE))

    assert recording.threads == {threading.current_thread().name}


def test_small_values_need_no_threads(recording):
    load(dumped([1, np.arange(1000)]))

    assert recording.threads == {threading.current_thread().name}


def test_a_task_compresses_within_its_share_of_the_cpus(recording):
    def work():
        load(dumped(LARGE))

    Parallel(n_jobs=cpu_count(), backend="threading")([delayed(work)()])

    assert not any(name.startswith("fanfold-compression") for name in recording.threads)


def test_no_threads_stay(recording):
    load(dumped(LARGE))

    assert not [t for t in threading.enumerate() if t.name.startswith("fanfold-compression")]


def test_a_failure_on_a_thread_is_the_callers_and_leaves_nothing(tmp_path):
    class FailingLate(Recording):
        count = 0

        def compress(self, data, level):
            self.count += 1
            if self.count == 6:
                raise RuntimeError("the sixth block")
            return super().compress(data, level)

    register_compressor("failing late", FailingLate(), force=True)

    with pytest.raises(RuntimeError, match="the sixth block"):
        dump(LARGE, tmp_path / "value", compress="failing late")

    assert not list(tmp_path.iterdir())
    assert not [t for t in threading.enumerate() if t.name.startswith("fanfold-compression")]


@pytest.mark.parametrize("method", QUICK)
def test_a_late_block_that_is_damaged_is_named(method):
    whole = bytearray(dumped(LARGE, compress=(method, 1)).getvalue())
    middle = len(whole) // 2
    whole[middle : middle + 40] = bytes(40)

    with pytest.raises(CorruptFileError, match=r"compressed block at byte|a block claims"):
        load(io.BytesIO(whole))


@pytest.mark.parametrize("method", QUICK)
def test_a_late_block_that_is_missing_is_noticed(method):
    whole = dumped(LARGE, compress=(method, 1)).getvalue()

    with pytest.raises(CorruptFileError, match="truncated"):
        load(io.BytesIO(whole[: len(whole) * 3 // 4]))
