"""The first worker starts early, before it is known what it will be for: nobody may notice."""

import os
import sys

import pytest

BEGIN = """
import os, sys, tempfile
from fanfold import Parallel, delayed, parallel_config

def nothing(**options):
    with parallel_config(backend="processes", **options):
        assert Parallel(n_jobs=2)([]) == []

def ask(function, *args, **options):
    with parallel_config(backend="processes", **options):
        return Parallel(n_jobs=2)([delayed(function)(*args)])[0]

def children():
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return {int(pid) for pid in file.read().split()}

"""

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def test_it_follows_what_changed_since_it_started(run_script):
    done = run_script(
        BEGIN
        + """
nothing()
folder = os.path.realpath(tempfile.mkdtemp())
os.chdir(folder)
os.environ["CHANGED"] = "since"
sys.path.append("/somewhere/else")
print(ask(os.getcwd) == folder, ask(os.getenv, "CHANGED"), ask(eval, "__import__('sys').path[-1]"))
"""
    )
    assert done.stdout.split() == ["True", "since", "/somewhere/else"]


@on_linux
def test_it_serves_the_first_who_wants_one_like_it(run_script):
    done = run_script(
        BEGIN
        + """
nothing(inner_max_num_threads=1)
(first,) = children()
other = ask(os.getpid, inner_max_num_threads=2)
print(first != other, ask(os.getenv, "OMP_NUM_THREADS", inner_max_num_threads=2))
print(first == ask(os.getpid, inner_max_num_threads=1))
"""
    )
    assert done.stdout.split() == ["True", "2", "True"]


@on_linux
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child_closes_what_belongs_to_its_parent(run_script):
    done = run_script(
        BEGIN
        + """
import fanfold.backends.processes.executor, select  # which keep descriptors of their own
before = len(os.listdir("/proc/self/fd"))
nothing()
pid = os.fork()
if not pid:
    print(len(os.listdir("/proc/self/fd")) == before, ask(abs, -1), flush=True)
    os._exit(0)
os.waitpid(pid, 0)
(first,) = children()
print(ask(os.getpid) == first)
"""
    )
    assert done.stdout.split() == ["True", "1", "True"]
