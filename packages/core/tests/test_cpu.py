"""How many CPUs there are to use."""

import os
import sys

import pytest
from fanfold import _cpu, cpu_count


@pytest.fixture(autouse=True)
def no_limits(monkeypatch):
    for variable in ("FANFOLD_MAX_CPU_COUNT", "LOKY_MAX_CPU_COUNT"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def sixteen_cpus(monkeypatch, tmp_path):
    """A machine with 16 hardware threads on 8 cores, and no control group."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(16)), raising=False)
    monkeypatch.setattr(_cpu, "_CGROUP_V2", str(tmp_path / "cpu.max"))
    paths = str(tmp_path / "quota"), str(tmp_path / "period")
    monkeypatch.setattr(_cpu, "_CGROUP_V1", paths)
    for cpu in range(16):
        folder = tmp_path / f"cpu{cpu}"
        folder.mkdir()
        (folder / "physical_package_id").write_text("0\n")
        (folder / "core_id").write_text(f"{cpu // 2}\n")
    monkeypatch.setattr(_cpu, "_TOPOLOGY", str(tmp_path / "cpu{}") + os.sep)
    return tmp_path


def test_is_at_least_one():
    assert cpu_count() >= 1
    assert 1 <= cpu_count(only_physical_cores=True) <= cpu_count()


@pytest.mark.skipif(sys.platform != "linux", reason="affinity is told on Linux only")
def test_counts_those_that_the_process_may_run_on():
    before = os.sched_getaffinity(0)
    one = {min(before)}
    try:
        os.sched_setaffinity(0, one)
        assert cpu_count() == 1
    finally:
        os.sched_setaffinity(0, before)


def test_counts_hardware_threads_or_cores(sixteen_cpus):
    assert cpu_count() == 16
    assert cpu_count(only_physical_cores=True) == 8


def test_counts_all_where_cores_are_not_told(sixteen_cpus):
    (sixteen_cpus / "cpu3" / "core_id").unlink()
    (sixteen_cpus / "cpu3" / "physical_package_id").unlink()
    assert cpu_count(only_physical_cores=True) == 16


def test_counts_all_where_affinity_is_not_told(monkeypatch, sixteen_cpus):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert cpu_count() == 6
    assert cpu_count(only_physical_cores=True) == 6


@pytest.mark.parametrize(
    ("limit", "expected"), [("200000 100000", 2), ("250000 100000", 3), ("max 100000", 16)]
)
def test_control_groups_limit_it(sixteen_cpus, limit, expected):
    (sixteen_cpus / "cpu.max").write_text(limit)
    assert cpu_count() == expected


@pytest.mark.parametrize(("quota", "expected"), [("300000", 3), ("-1", 16)])
def test_control_groups_of_the_first_version_limit_it(sixteen_cpus, quota, expected):
    (sixteen_cpus / "quota").write_text(quota)
    (sixteen_cpus / "period").write_text("100000")
    assert cpu_count() == expected


@pytest.mark.parametrize("variable", ["FANFOLD_MAX_CPU_COUNT", "LOKY_MAX_CPU_COUNT"])
def test_the_environment_limits_it(sixteen_cpus, monkeypatch, variable):
    monkeypatch.setenv(variable, "5")
    assert cpu_count() == 5
    assert cpu_count(only_physical_cores=True) == 5


@pytest.mark.parametrize("wrong", ["many", "0", "-1", "1.5"])
def test_a_wrong_limit_is_named(monkeypatch, wrong):
    monkeypatch.setenv("FANFOLD_MAX_CPU_COUNT", wrong)
    with pytest.raises(ValueError, match=f"FANFOLD_MAX_CPU_COUNT='{wrong}'"):
        cpu_count()


def test_resolve_refuses_zero():
    with pytest.raises(ValueError, match="n_jobs=0"):
        _cpu.resolve_n_jobs(0, 4)
