"""What is Ray's own: how it is started, what each batch takes, what goes wrong there."""

from __future__ import annotations

import multiprocessing.pool
import os
import random
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import ray
from fanfold import Parallel, cpu_count, delayed, effective_n_jobs, parallel_config
from fanfold.errors import BackendUnavailableError, InvalidArgumentError, WorkerLostError
from fanfold.plugins import backends
from fanfold_ray import RayBackend

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeAlias

    WaitUntil: TypeAlias = Callable[[Callable[[], bool], str], None]

on_two_cpus = pytest.mark.usefixtures("ray_cluster")


def test_the_name_ray_leads_here() -> None:
    assert backends.get("ray") is RayBackend


@on_two_cpus
def test_the_cluster_is_counted_by_its_cpus() -> None:
    with parallel_config(backend="ray"):
        assert effective_n_jobs(-1) == 2
        assert effective_n_jobs(-2) == 1
        assert effective_n_jobs(100) == 100


@on_two_cpus
@pytest.mark.parametrize(
    ("demands", "fitting"),
    [
        ({"num_cpus": 2}, 2 // 2),
        ({"num_cpus": 0.1}, 20),
        ({"num_gpus": 1}, 1),  # there is none: batches wait for one
        ({"num_cpus": 0, "resources": {"tape": 0.5}}, 8),
        ({"resources": {"tape": 4}}, 1),
    ],
)
def test_what_batches_take_decides_how_many_fit(demands: dict[str, Any], fitting: int) -> None:
    assert RayBackend(**demands).effective_n_jobs(-1) == fitting


@pytest.mark.parametrize("amount", [-1, float("nan")])
@pytest.mark.parametrize("resource", ["num_cpus", "num_gpus"])
def test_an_amount_below_nothing_is_refused(resource: str, amount: float) -> None:
    demands: dict[str, Any] = {resource: amount}

    with pytest.raises(InvalidArgumentError, match="expected a number of 0 or more"):
        RayBackend(**demands)


def test_batches_that_take_nothing_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="all run on one node"):
        RayBackend(num_cpus=0, resources={"tape": 0})


@on_two_cpus
def test_batches_take_what_was_asked_for() -> None:
    def own_resources() -> object:
        return ray.get_runtime_context().get_assigned_resources()

    with parallel_config(backend="ray", num_cpus=0.5, resources={"tape": 1}):
        assert Parallel()([delayed(own_resources)()]) == [{"CPU": 0.5, "tape": 1.0}]


@on_two_cpus
def test_workers_may_have_an_environment_of_their_own() -> None:
    environment = {"env_vars": {"FANFOLD_TEST": "seen"}}

    with parallel_config(backend="ray", runtime_env=environment):
        assert Parallel()([delayed(os.getenv)("FANFOLD_TEST")]) == ["seen"]


@on_two_cpus
def test_a_worker_without_fanfold_is_told(tmp_path: Path) -> None:
    hidden = tmp_path / "fanfold"
    hidden.mkdir()
    (hidden / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'fanfold'\")")
    environment = {"env_vars": {"PYTHONPATH": str(tmp_path)}}

    with (
        parallel_config(backend="ray", runtime_env=environment),
        pytest.raises(BackendUnavailableError, match="the Ray workers cannot import fanfold"),
    ):
        Parallel()([delayed(abs)(-1)])


@on_two_cpus
def test_what_ray_refuses_is_told(tmp_path: Path) -> None:
    environment = {"working_dir": str(tmp_path / "missing")}

    with (
        parallel_config(backend="ray", runtime_env=environment),
        pytest.raises(BackendUnavailableError, match=r"Ray could not run task 0 \(.*missing"),
    ):
        Parallel()([delayed(abs)(-1)])


@on_two_cpus
@pytest.mark.parametrize("max_retries", [0, 2])
def test_a_task_that_ends_its_worker_is_tried_again_as_often_as_asked(
    tmp_path: Path, max_retries: int
) -> None:
    def note_and_exit() -> None:
        with (tmp_path / "tries").open("a") as file:
            file.write("x")
        os._exit(1)

    with (
        parallel_config(backend="ray", max_retries=max_retries),
        pytest.raises(WorkerLostError, match=r"task 0 .*note_and_exit.*WorkerCrashed") as caught,
    ):
        Parallel()([delayed(note_and_exit)()])

    assert caught.value.task_index == 0
    assert len((tmp_path / "tries").read_text()) == 1 + max_retries


@on_two_cpus
def test_tasks_may_call_ray_when_all_cpus_are_taken(tmp_path: Path) -> None:
    def inner(value: int) -> int:
        return value + 1

    def outer(name: str, other: str) -> list[int]:
        # Both CPUs are taken before either of them calls.
        (tmp_path / name).touch()
        while not (tmp_path / other).exists():
            time.sleep(0.01)
        calls = (delayed(inner)(number) for number in range(3))
        results: list[int] = Parallel(n_jobs=2, backend="ray", timeout=100)(calls)
        return results

    calls = [delayed(outer)("left", "right"), delayed(outer)("right", "left")]
    results = Parallel(n_jobs=2, backend="ray", batch_size=1)(calls)

    assert results == [[1, 2, 3], [1, 2, 3]]


@on_two_cpus
def test_tools_of_ray_show_the_names_of_functions() -> None:
    def own_name() -> object:
        return ray.get_runtime_context().get_task_name()

    [name] = Parallel(backend="ray")([delayed(own_name)()])

    assert "own_name" in str(name)


@on_two_cpus
def test_calls_leave_no_thread_behind(wait_until: WaitUntil) -> None:
    for return_as in ("list", "generator"):
        results = Parallel(n_jobs=2, backend="ray", return_as=return_as)(
            delayed(abs)(-number) for number in range(10)
        )
        assert next(iter(results)) == 0
        del results  # the generator is given up here

    wait_until(
        lambda: all(thread.name != "fanfold-ray" for thread in threading.enumerate()),
        "an executor's thread goes on",
    )


@on_two_cpus
def test_multiprocessing_stays_what_it_is() -> None:
    Parallel(n_jobs=2, backend="ray")([delayed(abs)(-1)])

    assert multiprocessing.pool.Pool.__bases__ == (object,)


@pytest.fixture
def wait_until() -> WaitUntil:
    def wait(condition: Callable[[], bool], message: str) -> None:
        deadline = time.monotonic() + 100
        while not condition():
            assert time.monotonic() < deadline, message
            time.sleep(0.01)

    return wait


def run_alone(script: str) -> str:
    """Run a script that has no Ray yet, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_ray_is_started_where_there_is_none_and_its_end_is_told() -> None:
    output = run_alone(
        """
import threading
import time
import ray
from fanfold import Parallel, delayed
from fanfold.errors import BackendUnavailableError

assert not ray.is_initialized()
print(Parallel(n_jobs=2, backend="ray")(delayed(abs)(-n) for n in range(3)))
print(ray.is_initialized())

def calls():
    yield delayed(time.sleep)(1000)
    threading.Timer(1, ray.shutdown).start()
    yield delayed(time.sleep)(1000)

try:
    Parallel(n_jobs=2, backend="ray")(calls())
except BackendUnavailableError as error:
    print(error)
print(ray.is_initialized())
"""
    )

    lines = output.splitlines()
    assert lines[:2] == ["[0, 1, 2]", "True"]
    assert lines[2].startswith("Ray was shut down before it had run task")
    assert lines[3:] == ["False"]


@on_two_cpus
def test_nothing_more_is_submitted_when_ray_was_shut_down() -> None:
    address = ray.get_runtime_context().gcs_address
    output = run_alone(
        f"""
import ray
from fanfold import Parallel, delayed
from fanfold.errors import BackendUnavailableError

results = Parallel(
    n_jobs=2, backend="ray", address="{address}", return_as="generator", pre_dispatch=1
)(delayed(abs)(-number) for number in range(3))
print(next(results))
ray.shutdown()
try:
    next(results)
except BackendUnavailableError as error:
    print(error)
print(ray.is_initialized())
"""
    )

    lines = output.splitlines()
    assert lines[0] == "0"
    assert lines[1].startswith("Ray was shut down before it had run task 1")
    assert lines[2:] == ["False"]


def test_an_address_that_is_none_is_told() -> None:
    output = run_alone(
        """
from fanfold import Parallel
from fanfold.errors import BackendUnavailableError

try:
    Parallel(backend="ray", address="nowhere at all")
except BackendUnavailableError as error:
    print(error)
"""
    )

    assert output.startswith("cannot use Ray at address='nowhere at all': ")


@on_two_cpus
@pytest.mark.parametrize(("demands", "share"), [({}, 1), ({"num_cpus": 2}, 2)])
def test_a_task_counts_the_cpus_that_it_takes(demands: dict[str, float], share: int) -> None:
    calls = [delayed(cpu_count)()]

    assert Parallel(backend="ray", **demands)(calls) == [min(share, cpu_count())]


@on_two_cpus
def test_global_generators_are_seeded() -> None:
    def draw() -> float:
        return random.random()

    calls = [delayed(draw)() for _ in range(4)]

    assert Parallel(backend="ray", seed=1)(calls) == Parallel(n_jobs=1, seed=1)(calls)
