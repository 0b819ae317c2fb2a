"""What is Dask's own: which client is used, what counts as a worker, what goes wrong there."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import dask
import distributed
import pytest
from dask.utils import key_split
from fanfold import Parallel, delayed, effective_n_jobs, parallel_config
from fanfold.contracts import Batch, ExecutorRequest
from fanfold.errors import BackendUnavailableError, InvalidArgumentError, WorkerLostError
from fanfold.plugins import backends
from fanfold_dask import DaskBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    WaitUntil: TypeAlias = Callable[[Callable[[], bool], str], None]


@pytest.fixture
def small_cluster() -> Iterator[distributed.LocalCluster]:
    """A cluster of its own for a test that breaks it; its workers are threads of this process."""
    with distributed.LocalCluster(
        n_workers=0, threads_per_worker=4, processes=False, dashboard_address=":0"
    ) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def forgiving_cluster() -> Iterator[distributed.LocalCluster]:
    """A cluster of one worker process, which tries a task again that ended its worker."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
    ):
        yield cluster


@pytest.fixture
def wait_until() -> WaitUntil:
    def wait(condition: Callable[[], bool], message: str) -> None:
        deadline = time.monotonic() + 100
        while not condition():
            assert time.monotonic() < deadline, message
            time.sleep(0.01)

    return wait


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_the_name_dask_leads_here() -> None:
    assert backends.get("dask") is DaskBackend


def test_the_current_client_is_used(client: distributed.Client) -> None:
    addresses = set(client.nthreads())

    def own_address() -> str:
        return distributed.get_worker().address

    results = Parallel(backend="dask")(delayed(own_address)() for _ in range(4))

    assert set(results) <= addresses


def test_without_a_client_the_error_says_to_make_one() -> None:
    with pytest.raises(BackendUnavailableError, match=r"create a distributed\.Client\(…\) first"):
        Parallel(backend="dask")


def test_an_address_is_connected_to_once(cluster: distributed.LocalCluster) -> None:
    scheduler: Any = cluster.scheduler
    address = cluster.scheduler_address
    clients: set[str] = set()

    def calls() -> Iterator[Any]:
        for number in range(3):
            clients.update(scheduler.clients)
            yield delayed(abs)(-number)

    for _ in range(3):
        assert Parallel(backend="dask", address=address)(calls()) == [0, 1, 2]

    assert len({name for name in clients if name.startswith("Client-")}) == 1
    with pytest.raises(ValueError, match="No global client"):
        distributed.get_client()
    DaskBackend(address).close()


def test_a_closed_backend_connects_again(cluster: distributed.LocalCluster) -> None:
    backend = DaskBackend(cluster.scheduler_address)

    for _ in range(2):
        assert Parallel(n_jobs=2, backend=backend)(delayed(abs)(-n) for n in range(3)) == [0, 1, 2]
        backend.close()
    backend.close()


def test_an_address_where_no_scheduler_is_is_an_error() -> None:
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "200ms"}),
        pytest.raises(BackendUnavailableError, match=r"address='tcp://127\.0\.0\.1:9'"),
    ):
        Parallel(backend="dask", address="tcp://127.0.0.1:9")


def test_a_client_may_be_given(cluster: distributed.LocalCluster) -> None:
    with (
        distributed.Client(cluster, set_as_default=False) as client,
        parallel_config(backend="dask", client=client),
    ):
        assert Parallel()(delayed(abs)(-n) for n in range(3)) == [0, 1, 2]


def test_address_and_client_exclude_each_other(client: distributed.Client) -> None:
    with pytest.raises(InvalidArgumentError, match="cannot both be given"):
        DaskBackend("tcp://127.0.0.1:9", client=client)


def test_a_closed_client_is_an_error(cluster: distributed.LocalCluster) -> None:
    client = distributed.Client(cluster, set_as_default=False)
    client.close()

    with pytest.raises(BackendUnavailableError, match="is closed: create another"):
        Parallel(backend=DaskBackend(client=client))


def test_an_asynchronous_client_is_an_error(cluster: distributed.LocalCluster) -> None:
    async def call() -> None:
        async with distributed.Client(cluster.scheduler_address, asynchronous=True) as client:
            DaskBackend(client=client).effective_n_jobs(1)

    with pytest.raises(BackendUnavailableError, match="is asynchronous"):
        asyncio.run(call())


def test_workers_are_counted_by_their_threads_whenever_it_is_asked(
    small_cluster: distributed.LocalCluster,
) -> None:
    with distributed.Client(small_cluster), parallel_config(backend="dask"):
        assert effective_n_jobs(-1) == 1  # without workers, tasks wait for the first

        small_cluster.scale(2)
        distributed.get_client().wait_for_workers(2)

        assert effective_n_jobs(-1) == 8
        assert effective_n_jobs(-2) == 7
        assert effective_n_jobs(100) == 100


def test_tasks_wait_for_the_first_worker(small_cluster: distributed.LocalCluster) -> None:
    with distributed.Client(small_cluster):
        results = Parallel(backend="dask", return_as="generator")(
            delayed(abs)(-number) for number in range(20)
        )

        small_cluster.scale(1)

        assert list(results) == list(range(20))


def test_a_worker_may_run_batches_on_many_threads(small_cluster: distributed.LocalCluster) -> None:
    small_cluster.scale(1)
    with distributed.Client(small_cluster) as client:
        client.wait_for_workers(1)
        for step in range(20):
            # Every call has a function that the worker does not know yet.
            results = Parallel(n_jobs=4, backend="dask", batch_size=1)(
                delayed(lambda value, step=step: value + step)(value) for value in range(8)
            )
            assert results == list(range(step, step + 8))


def test_tasks_may_call_dask_when_all_workers_are_busy(client: distributed.Client) -> None:
    def inner(value: int) -> int:
        return value + 1

    def outer(name: str, other: str) -> list[int]:
        # Both workers are busy before either of them calls.
        distributed.Event(name).set()
        distributed.Event(other).wait()
        calls = (delayed(inner)(number) for number in range(3))
        results: list[int] = Parallel(n_jobs=2, backend="dask")(calls)
        return results

    calls = [delayed(outer)("left", "right"), delayed(outer)("right", "left")]
    results = Parallel(n_jobs=2, backend="dask", batch_size=1)(calls)

    assert results == [[1, 2, 3], [1, 2, 3]]


def test_the_dashboard_shows_the_names_of_functions(client: distributed.Client) -> None:
    def own_key() -> object:
        return distributed.get_worker().get_current_task()

    [key] = Parallel(backend="dask")([delayed(own_key)()])

    assert "own_key" in key_split(key)


def test_nothing_of_a_call_stays_on_the_cluster(
    cluster: distributed.LocalCluster,
    client: distributed.Client,
    wait_until: WaitUntil,
) -> None:
    scheduler: Any = cluster.scheduler
    for return_as in ("list", "generator"):
        results = Parallel(n_jobs=2, backend="dask", return_as=return_as)(
            delayed(bytes)(100_000) for _ in range(20)
        )
        assert len(next(iter(results))) == 100_000
        del results  # the generator is given up here

    wait_until(lambda: not scheduler.tasks, "results stay on the cluster")


def test_a_task_that_ends_its_workers_is_tried_as_often_as_the_scheduler_says(
    forgiving_cluster: distributed.LocalCluster,
) -> None:
    def end_worker() -> None:
        os._exit(1)

    with (
        distributed.Client(forgiving_cluster),
        pytest.raises(WorkerLostError, match=r"task 0 .*end_worker.*2 times in a row") as caught,
    ):
        Parallel(backend="dask")([delayed(end_worker)()])

    assert caught.value.task_index == 0


def test_a_worker_without_fanfold_is_told(forgiving_cluster: distributed.LocalCluster) -> None:
    def hide() -> None:
        class Hidden:
            def find_spec(self, name: str, *_: object) -> None:
                if name.partition(".")[0] == "fanfold":
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        for name in [name for name in sys.modules if name.partition(".")[0] == "fanfold"]:
            del sys.modules[name]
        sys.meta_path.insert(0, Hidden())

    def show() -> None:
        del sys.meta_path[0]

    with distributed.Client(forgiving_cluster) as client:
        client.wait_for_workers(1)
        client.run(hide)
        with pytest.raises(BackendUnavailableError, match="a Dask worker cannot import fanfold"):
            Parallel(backend="dask")([delayed(abs)(-1)])

        client.run(show)
        assert Parallel(backend="dask")([delayed(abs)(-1)]) == [1]


def test_a_client_that_is_closed_ends_the_call(
    cluster: distributed.LocalCluster, client: distributed.Client
) -> None:
    def wait_to_be_released() -> None:
        distributed.Event("begun").set()
        distributed.Event("released").wait()

    own_client = distributed.Client(cluster, set_as_default=False)

    def close_in_the_middle() -> None:
        distributed.Event("begun", client=client).wait()
        own_client.close()

    closing = in_thread(close_in_the_middle)
    with pytest.raises(BackendUnavailableError, match="Dask dropped task 0"):
        Parallel(n_jobs=2, backend=DaskBackend(client=own_client))(
            delayed(wait_to_be_released)() for _ in range(2)
        )

    distributed.Event("released", client=client).set()
    closing.join()


def test_a_client_that_is_closed_takes_no_batch(cluster: distributed.LocalCluster) -> None:
    class AnyBatch(Batch):
        first_task, size, label, payload = 7, 1, "math.sqrt", b""

        def run(self) -> object:
            raise NotImplementedError

    client = distributed.Client(cluster, set_as_default=False)
    executor = DaskBackend(client=client).executor(ExecutorRequest(n_jobs=1))
    client.close()

    future = executor.submit(AnyBatch())

    with pytest.raises(BackendUnavailableError, match=r"Dask could not run task 7 .*is closed"):
        future.result()
