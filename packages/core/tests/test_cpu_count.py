"""How many CPUs there are to use."""

import os
import sys

import pytest
from fanfold import Parallel, cpu_count, delayed, effective_n_jobs
from fanfold._cpu import CpuCounter, resolve_n_jobs

V2_MOUNT = "30 23 0:26 / /sys/fs/cgroup rw,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate"
V1_MOUNT = "34 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct"


class Machine:
    """A machine as the kernel shows it in files, with 16 CPUs that are 8 cores."""

    def __init__(self, root):
        self.root = root
        self.environment = {}
        for cpu in range(16):
            folder = f"sys/devices/system/cpu/cpu{cpu}/topology"
            self.write(f"{folder}/physical_package_id", "0\n")
            self.write(f"{folder}/core_id", f"{cpu // 2}\n")

    def write(self, path, text):
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def put_in_group(self, groups, mounts):
        self.write("proc/self/cgroup", groups + "\n")
        self.write("proc/self/mountinfo", f"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n{mounts}\n")

    def count(self, **options):
        return CpuCounter(str(self.root), self.environment).count(**options)


@pytest.fixture
def machine(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(16)), raising=False)
    return Machine(tmp_path)


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


def test_counts_hardware_threads_or_cores(machine):
    assert machine.count() == 16
    assert machine.count(only_physical_cores=True) == 8


def test_counts_all_where_cores_are_not_told(machine):
    machine.write("sys/devices/system/cpu/cpu3/topology/core_id", "")
    machine.write("sys/devices/system/cpu/cpu3/topology/physical_package_id", "")
    assert machine.count(only_physical_cores=True) == 16


def test_counts_all_where_affinity_is_not_told(machine, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    assert machine.count() == machine.count(only_physical_cores=True) == 16


class TestControlGroups:
    @pytest.mark.parametrize(
        ("limit", "expected"), [("200000 100000", 2), ("250000 100000", 3), ("max 100000", 16)]
    )
    def test_their_bandwidth_is_rounded_up(self, machine, limit, expected):
        machine.put_in_group("0::/", V2_MOUNT)
        machine.write("/sys/fs/cgroup/cpu.max", limit)
        assert machine.count() == expected

    @pytest.mark.parametrize(
        ("own", "above", "expected"),
        [("200000 100000", "400000 100000", 2), ("max 100000", "400000 100000", 4)],
    )
    def test_the_smallest_quota_from_the_own_group_up_to_the_root_counts(
        self, machine, own, above, expected
    ):
        machine.put_in_group("0::/user.slice/my job.scope", V2_MOUNT)
        machine.write("/sys/fs/cgroup/user.slice/my job.scope/cpu.max", own)
        machine.write("/sys/fs/cgroup/user.slice/cpu.max", above)
        machine.write("/sys/fs/cgroup/user.slice/other.scope/cpu.max", "100000 100000")
        assert machine.count() == expected

    @pytest.mark.parametrize(("quota", "expected"), [("300000", 3), ("-1", 16)])
    def test_those_of_the_first_version_count_too(self, machine, quota, expected):
        machine.put_in_group("5:memory:/job\n3:cpu,cpuacct:/slurm/job_7\n0::/", V1_MOUNT)
        folder = "/sys/fs/cgroup/cpu,cpuacct/slurm/job_7"
        machine.write(f"{folder}/cpu.cfs_quota_us", quota)
        machine.write(f"{folder}/cpu.cfs_period_us", "100000")
        assert machine.count() == expected

    def test_those_of_both_versions_count_side_by_side(self, machine):
        machine.put_in_group("3:cpu,cpuacct:/\n0::/", f"{V1_MOUNT}\n{V2_MOUNT}")
        machine.write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "300000")
        machine.write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000")
        machine.write("/sys/fs/cgroup/cpu.max", "500000 100000")
        assert machine.count() == 3

    @pytest.mark.parametrize("group", ["/docker/abc/worker", "/docker/abc", "/../other"])
    def test_a_container_sees_its_own_group_as_the_root(self, machine, group):
        mount = V2_MOUNT.replace(" / /sys", " /docker/abc /sys")
        machine.put_in_group(f"0::{group}", mount)
        machine.write("/sys/fs/cgroup/cpu.max", "200000 100000")
        assert machine.count() == 2

    def test_a_container_may_have_groups_of_its_own(self, machine):
        machine.put_in_group(
            "0::/docker/abc/worker", V2_MOUNT.replace(" / /sys", " /docker/abc /sys")
        )
        machine.write("/sys/fs/cgroup/worker/cpu.max", "100000 100000")
        assert machine.count() == 1

    def test_they_may_be_mounted_anywhere(self, machine):
        machine.put_in_group("0::/", V2_MOUNT.replace("/sys/fs/cgroup", r"/my\040groups"))
        machine.write("/my groups/cpu.max", "200000 100000")
        assert machine.count() == 2


class TestBatchJobs:
    @pytest.mark.parametrize(
        ("environment", "expected"),
        [
            ({"SLURM_JOB_ID": "1", "SLURM_CPUS_PER_TASK": "4", "SLURM_CPUS_ON_NODE": "8"}, 4),
            ({"SLURM_JOB_ID": "1", "SLURM_CPUS_ON_NODE": "8"}, 8),
            ({"SLURM_JOB_ID": "1", "SLURM_JOB_CPUS_PER_NODE": "6"}, 6),
            ({"SLURM_JOB_ID": "1", "SLURM_JOB_CPUS_PER_NODE": "6(x2),3", "SLURM_NODEID": "2"}, 3),
            ({"SLURM_JOB_ID": "1", "SLURM_JOB_CPUS_PER_NODE": "6(x2),3", "SLURM_NODEID": "9"}, 6),
            ({"PBS_JOBID": "1", "NCPUS": "5"}, 5),
            ({"PBS_JOBID": "1", "PBS_NUM_PPN": "5"}, 5),
            ({"LSB_JOBID": "1", "LSB_DJOB_NUMPROC": "7"}, 7),
            ({"JOB_ID": "1", "NSLOTS": "3"}, 3),
            ({"JOB_ID": "1", "NSLOTS": "64"}, 16),
        ],
    )
    def test_they_have_what_they_were_given(self, machine, environment, expected):
        machine.environment = environment
        assert machine.count() == expected

    @pytest.mark.parametrize(
        "environment",
        [
            {"NCPUS": "5", "NSLOTS": "3", "SLURM_CPUS_PER_TASK": "1"},
            {"JOB_ID": "1", "NSLOTS": "undefined"},
            {"SLURM_JOB_ID": "1", "SLURM_JOB_CPUS_PER_NODE": "6(xtwo)"},
            {"PBS_JOBID": "1", "NCPUS": "0"},
        ],
    )
    def test_what_says_nothing_is_passed_over(self, machine, environment):
        machine.environment = environment
        assert machine.count() == 16


class TestLaidDownLimit:
    @pytest.mark.parametrize("variable", ["FANFOLD_MAX_CPU_COUNT", "LOKY_MAX_CPU_COUNT"])
    def test_the_environment_limits_it(self, machine, variable):
        machine.environment = {variable: "5"}
        assert machine.count() == machine.count(only_physical_cores=True) == 5

    def test_it_may_change_while_the_process_runs(self, machine):
        counter = CpuCounter(str(machine.root), machine.environment)
        assert counter.count() == 16
        machine.environment["FANFOLD_MAX_CPU_COUNT"] = "5"
        assert counter.count() == 5

    def test_the_smallest_limit_counts(self, machine):
        machine.environment = {"FANFOLD_MAX_CPU_COUNT": "5", "JOB_ID": "1", "NSLOTS": "3"}
        assert machine.count() == 3

    @pytest.mark.parametrize("wrong", ["many", "0", "-1", "1.5"])
    def test_a_wrong_limit_is_named(self, monkeypatch, wrong):
        monkeypatch.setenv("FANFOLD_MAX_CPU_COUNT", wrong)
        with pytest.raises(ValueError, match=f"FANFOLD_MAX_CPU_COUNT='{wrong}'"):
            cpu_count()


def _count_in_task():
    return cpu_count(), effective_n_jobs(-1), effective_n_jobs(3)


def _count_in_nested_tasks(backend, n_jobs):
    return Parallel(n_jobs=n_jobs, backend=backend)([delayed(cpu_count)()] * 2)


@pytest.fixture
def eight_cpus(monkeypatch):
    """Have this process, and the workers that it starts, count 8 CPUs."""
    monkeypatch.setattr("fanfold._cpu.counting.CpuCounter.count", lambda *_: 8)
    return 8


class TestShareOfTasks:
    @pytest.mark.parametrize(("n_jobs", "share"), [(2, 4), (3, 2), (8, 1), (20, 1)])
    def test_threads_divide_the_cpus(self, eight_cpus, n_jobs, share):
        found = Parallel(n_jobs=n_jobs, backend="threads")([delayed(_count_in_task)()] * 2)
        assert found == [(share, share, 3)] * 2

    def test_processes_divide_the_cpus(self):
        share = max(1, cpu_count() // 2)
        found = Parallel(n_jobs=2, backend="processes")([delayed(_count_in_task)()] * 2)
        assert found == [(share, share, 3)] * 2

    def test_one_worker_has_them_all(self, eight_cpus):
        assert Parallel(n_jobs=1)([delayed(_count_in_task)()]) == [(8, 8, 3)]

    def test_nested_tasks_divide_the_share(self, eight_cpus):
        calls = [delayed(_count_in_nested_tasks)("threads", 2)]
        assert Parallel(n_jobs=2, backend="threads")(calls) == [[2, 2]]

    def test_nested_calls_have_all_of_the_share(self, eight_cpus):
        calls = [delayed(_count_in_nested_tasks)("threads", -1)]
        assert Parallel(n_jobs=2, backend="threads")(calls) == [[1, 1]]

    def test_the_caller_keeps_all(self, eight_cpus):
        Parallel(n_jobs=2, backend="threads")([delayed(_count_in_task)()])
        assert cpu_count() == 8


def test_resolve_refuses_zero():
    with pytest.raises(ValueError, match="n_jobs=0"):
        resolve_n_jobs(0, 4)
