"""How long workers stay without work, and how large they may become."""

import logging
import os
import threading

import pytest
from fanfold import Parallel, delayed, parallel_config
from fanfold.backends.processes import ProcessesBackend, memory_limit
from fanfold.errors import BackendUnavailableError

MB = 2**20


@pytest.fixture(autouse=True)
def workers_of_its_own():
    """Neither meet the workers of other tests nor leave any that behave otherwise."""
    ProcessesBackend().close()
    yield
    ProcessesBackend().close()


def pids(**options):
    run = Parallel(n_jobs=2, backend="processes", batch_size=1, **options)
    return set(run(delayed(os.getpid)() for _ in range(8)))


class TestIdleWorkers:
    def test_they_leave_after_a_time_and_the_next_call_has_others(self, wait_until, is_running):
        first = pids(idle_worker_timeout=0.2)
        wait_until(lambda: not any(map(is_running, first)), "the workers have not left")
        second = pids(idle_worker_timeout=0.2)
        assert second
        assert not first & second

    def test_the_time_is_that_of_the_last_call(self, wait_until, is_running):
        first = pids(idle_worker_timeout=0.2)
        second = pids(idle_worker_timeout=1000)
        kept = first & second
        wait_until(lambda: not any(map(is_running, first - kept)), "the workers have not left")
        assert all(map(is_running, second))
        third = pids(idle_worker_timeout=0.2)
        wait_until(lambda: not any(map(is_running, third)), "the workers have not left")

    def test_one_that_leaves_during_a_call_is_replaced(self, wait_until, is_running):
        def slowly():
            yield delayed(os.getpid)()
            first = yield_of.get(timeout=100)
            wait_until(lambda: not is_running(first), "the worker has not left")
            for _ in range(3):
                yield delayed(os.getpid)()

        from queue import Queue

        yield_of = Queue()
        found = []

        def consume():
            run = Parallel(
                n_jobs=2,
                backend="processes",
                batch_size=1,
                pre_dispatch=1,
                return_as="generator",
                idle_worker_timeout=0.2,
            )
            for pid in run(slowly()):
                found.append(pid)
                yield_of.put(pid)

        consumer = threading.Thread(target=consume)
        consumer.start()
        consumer.join(120)
        assert len(found) == 4
        assert found[0] not in found[1:]

    @pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf"), "5", True])
    def test_a_wrong_time_is_named(self, wrong):
        with pytest.raises(ValueError, match="idle_worker_timeout="):
            Parallel(n_jobs=2, backend="processes", idle_worker_timeout=wrong)

    def test_it_can_be_configured(self, wait_until, is_running):
        with parallel_config(backend="loky", idle_worker_timeout=0.2):
            first = set(Parallel(n_jobs=2)(delayed(os.getpid)() for _ in range(4)))
        wait_until(lambda: not any(map(is_running, first)), "the workers have not left")


kept = []


def keep(megabytes):
    kept.append(bytearray(os.urandom(1) * (megabytes * MB)))
    return os.getpid()


def make_cycle(megabytes):
    cycle = [bytearray(os.urandom(1) * (megabytes * MB))]
    cycle.append(cycle)
    return os.getpid()


@pytest.mark.skipif(not memory_limit.can_see_memory(), reason="only Linux shows what is needed")
class TestMaxRss:
    def test_a_worker_that_takes_more_is_replaced_and_its_results_are_kept(self, caplog):
        run = Parallel(n_jobs=2, backend="processes", batch_size=1, max_rss="100M")
        found = run(delayed(keep)(megabytes) for megabytes in [120, 0, 0, 0, 120, 0, 0, 0])
        messages = [record.getMessage() for record in caplog.records]
        assert len(found) == 8
        assert len(messages) == 2
        for pid in (found[0], found[4]):
            [message] = [each for each in messages if f"worker process {pid} takes" in each]
            assert f"tasks it has run: {found.count(pid)}." in message
            assert "more than max_rss=104857600 (100.0 MB)" in message

    def test_the_next_call_finds_no_worker_that_is_too_large(self, caplog):
        run = Parallel(n_jobs=2, backend="processes", max_rss=100 * MB)
        [first] = run([delayed(keep)(120)])
        assert first not in run(delayed(keep)(0) for _ in range(6))
        assert len(caplog.records) == 1

    def test_every_batch_may_be_the_last_of_its_worker(self, caplog):
        run = Parallel(n_jobs=2, backend="processes", batch_size=1, max_rss=1)
        found = run(delayed(os.getpid)() for _ in range(12))
        assert len(set(found)) == 12
        assert len(caplog.records) == 12

    def test_garbage_is_no_reason(self, caplog):
        run = Parallel(n_jobs=2, backend="processes", max_rss="100M")
        found = run(delayed(make_cycle)(120) for _ in range(3))
        assert len(set(found)) <= 2
        assert not caplog.records

    def test_mapped_files_do_not_count(self, caplog, tmp_path):
        np = pytest.importorskip("numpy")
        path = tmp_path / "mapped"
        np.memmap(path, dtype="u1", mode="w+", shape=120 * MB).flush()

        def read():
            array = np.memmap(path, dtype="u1", mode="r")
            kept.append(array)
            return int(array.sum())

        run = Parallel(n_jobs=2, backend="processes", max_rss="100M")
        assert run([delayed(read)()] * 2) == [0, 0]
        assert not caplog.records

    def test_calls_without_a_limit_may_take_what_they_like(self, caplog):
        Parallel(n_jobs=2, backend="processes", max_rss="100M")([delayed(keep)(0)] * 4)
        found = Parallel(n_jobs=2, backend="processes")([delayed(keep)(120)] * 4)
        assert len(set(found)) <= 2
        assert not caplog.records

    @pytest.mark.parametrize("wrong", [0, -1, "0M", "much", True])
    def test_a_wrong_size_is_named(self, wrong):
        with pytest.raises(ValueError, match="max_rss="):
            Parallel(n_jobs=2, backend="processes", max_rss=wrong)


def test_a_platform_that_does_not_show_memory_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(memory_limit, "_STATM", str(tmp_path / "statm"))
    with pytest.raises(BackendUnavailableError, match="max_rss='2G' needs /proc"):
        ProcessesBackend(max_rss="2G")


@pytest.fixture
def caplog(caplog):
    caplog.set_level(logging.WARNING, "fanfold.workers")
    return caplog
