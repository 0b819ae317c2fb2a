"""Where a call's settings come from: itself, the enclosing configuration, the task it is in."""

import contextvars
import os
import threading

import pytest
from fanfold import (
    Parallel,
    cpu_count,
    delayed,
    effective_n_jobs,
    parallel_backend,
    parallel_config,
    register_parallel_backend,
)
from fanfold.backends.processes import ProcessesBackend
from fanfold.backends.sequential import SequentialBackend
from fanfold.backends.threads import ThreadsBackend
from fanfold.contracts import BackendCapabilities
from fanfold.parallel._defaults import process_defaults
from fanfold.plugins import backends


def where():
    return os.getpid(), threading.get_ident()


def places(n=6, **options):
    return Parallel(**options)(delayed(where)() for _ in range(n))


def runs_on_threads(**options):
    found = places(**options)
    return {pid for pid, _ in found} == {os.getpid()} and threading.get_ident() not in {
        thread for _, thread in found
    }


def runs_in_caller(**options):
    return set(places(**options)) == {where()}


def runs_on_processes(**options):
    return os.getpid() not in {pid for pid, _ in places(**options)}


class TestChoice:
    def test_one_job_in_the_calling_thread_is_the_default(self):
        assert runs_in_caller()

    def test_processes_are_the_default_for_more_jobs(self):
        assert runs_on_processes(n_jobs=2)

    @pytest.mark.parametrize("name", ["processes", "loky", "multiprocessing"])
    def test_names_of_processes(self, name):
        assert runs_on_processes(n_jobs=2, backend=name)

    @pytest.mark.parametrize("name", ["threads", "threading"])
    def test_names_of_threads(self, name):
        assert runs_on_threads(n_jobs=2, backend=name)

    def test_sequential_ignores_the_number_of_jobs(self):
        assert runs_in_caller(n_jobs=4, backend="sequential")

    def test_an_instance(self):
        assert runs_on_threads(n_jobs=2, backend=ThreadsBackend())

    def test_a_class(self):
        assert runs_on_threads(n_jobs=2, backend=ThreadsBackend)

    def test_prefer_threads(self):
        assert runs_on_threads(n_jobs=2, prefer="threads")

    def test_prefer_processes(self):
        assert runs_on_processes(n_jobs=2, prefer="processes")

    def test_prefer_gives_way_to_a_chosen_backend(self):
        with parallel_config(backend="threads"):
            assert runs_on_threads(n_jobs=2, prefer="processes")
        assert runs_on_threads(n_jobs=2, backend="threads", prefer="processes")

    def test_require_sharedmem(self):
        collected = set()
        Parallel(n_jobs=2, require="sharedmem")(delayed(collected.add)(i) for i in range(10))
        assert collected == set(range(10))

    def test_require_overrules_a_configured_backend(self):
        with parallel_config(backend="processes", n_jobs=2):
            assert runs_in_caller(require="sharedmem")  # n_jobs was meant for processes
            assert runs_on_threads(require="sharedmem", n_jobs=2)

    def test_require_leaves_a_configured_backend_that_shares(self):
        with parallel_config(backend="threads", n_jobs=2):
            assert runs_on_threads(require="sharedmem")

    def test_n_jobs_is_rounded_down(self):
        assert Parallel(n_jobs=2.7).n_jobs == 2


class TestConfig:
    def test_holds_for_the_block(self):
        with parallel_config(backend="threads", n_jobs=2):
            assert runs_on_threads()
        assert runs_in_caller()

    def test_holds_until_unregistered(self):
        config = parallel_config(backend="threads", n_jobs=2)
        assert runs_on_threads()
        config.unregister()
        assert runs_in_caller()

    def test_blocks_nest_and_inner_settings_count(self):
        with parallel_config(n_jobs=2, backend="threads"), parallel_config(n_jobs=3):
            assert effective_n_jobs(None) == 3
            assert runs_on_threads()

    def test_the_call_itself_counts_most(self):
        with parallel_config(backend="processes", n_jobs=3):
            assert Parallel(n_jobs=2).n_jobs == 2
            assert runs_on_threads(n_jobs=2, backend="threads")

    def test_none_can_be_set(self):
        with parallel_config(max_nbytes="2M"):
            assert Parallel().max_nbytes == 2 << 20
            assert Parallel(max_nbytes=None).max_nbytes is None

    @pytest.mark.parametrize(
        ("name", "value"),
        [("verbose", 3), ("temp_folder", "/somewhere"), ("mmap_mode", "c")],
    )
    def test_every_setting_reaches_the_call(self, name, value):
        with parallel_config(**{name: value}):
            assert getattr(Parallel(), name) == value

    def test_the_block_gets_the_settings(self):
        with parallel_config(n_jobs=2, prefer="threads") as settings:
            assert settings == {"n_jobs": 2, "prefer": "threads"}

    def test_parallel_backend_takes_all_cpus(self):
        with parallel_backend("threads") as (backend, n_jobs):
            assert isinstance(backend, ThreadsBackend)
            assert n_jobs == -1
            assert Parallel().n_jobs == -1
            assert effective_n_jobs(None) == cpu_count()

    def test_backend_parameters_need_a_backend(self):
        with pytest.raises(ValueError, match="inner_max_num_threads, color"):
            parallel_config(inner_max_num_threads=1, color=2)

    def test_inner_max_num_threads_reaches_workers(self):
        with parallel_config(backend="processes", inner_max_num_threads=3):
            limits = Parallel(n_jobs=2)([delayed(os.getenv)("OMP_NUM_THREADS")] * 2)
        assert limits == ["3", "3"]

    def test_inner_max_num_threads_is_refused_where_it_has_no_effect(self):
        class Plain(ThreadsBackend):
            name = "plain"
            capabilities = BackendCapabilities(shares_memory=True)

        with pytest.raises(ValueError, match="'plain' does not limit the threads"):
            parallel_config(backend=Plain(), inner_max_num_threads=3)

    def test_inner_max_num_threads_is_for_the_configured_backend(self):
        with parallel_config(backend="processes", inner_max_num_threads=3):
            assert runs_on_threads(n_jobs=2, backend="threads")

    @pytest.mark.parametrize("wrong", [0, -1, "two", True])
    def test_inner_max_num_threads_is_a_number(self, wrong):
        with pytest.raises(ValueError, match="inner_max_num_threads="):
            parallel_config(backend="processes", inner_max_num_threads=wrong)

    def test_an_unknown_backend_is_an_error_at_once(self):
        with pytest.raises(ValueError, match="nonsense"):
            parallel_config(backend="nonsense")
        assert runs_in_caller()

    def test_other_threads_do_not_see_it(self):
        seen = []
        with parallel_config(n_jobs=5):
            thread = threading.Thread(target=lambda: seen.append(Parallel().n_jobs))
            context = contextvars.copy_context()
            aware = threading.Thread(
                target=lambda: seen.append(context.run(lambda: Parallel().n_jobs))
            )
            for each in (thread, aware):
                each.start()
                each.join()
        assert seen[1] == 5
        assert seen[0] in (1, 5)  # free-threaded builds hand the context on by themselves


class TestRegistering:
    @pytest.fixture(autouse=True)
    def restore(self):
        yield
        process_defaults.registered = None
        if "mine" in backends.registered:
            backends.unregister("mine")

    def test_a_registered_name_can_be_chosen(self):
        register_parallel_backend("mine", ThreadsBackend)
        assert runs_on_threads(n_jobs=2, backend="mine")

    def test_a_factory_gets_the_parameters(self):
        class Colored(SequentialBackend):
            def __init__(self, color):
                self.color = color

        register_parallel_backend("mine", Colored)
        with parallel_config(backend="mine", color="red") as settings:
            assert settings["backend"].color == "red"

    def test_it_can_be_the_default(self):
        register_parallel_backend("mine", ThreadsBackend, make_default=True)
        assert runs_on_threads(n_jobs=2)
        assert runs_on_processes(n_jobs=2, prefer="processes")

    def test_the_default_goes_before_that_of_the_environment(self, monkeypatch):
        monkeypatch.setenv("FANFOLD_DEFAULT_BACKEND", "processes")
        register_parallel_backend("mine", ThreadsBackend, make_default=True)
        assert runs_on_threads(n_jobs=2)

    def test_hints_go_before_the_default(self):
        register_parallel_backend("mine", ProcessesBackend, make_default=True)
        assert runs_on_threads(n_jobs=2, prefer="threads")

    def test_what_is_no_factory_is_refused(self):
        with pytest.raises(ValueError, match="expected a class or a function"):
            register_parallel_backend("mine", 5)


class TestDefaultOfTheEnvironment:
    @pytest.fixture(autouse=True)
    def threads(self, monkeypatch):
        monkeypatch.setenv("FANFOLD_DEFAULT_BACKEND", "threads")

    def test_is_used_where_nobody_chose(self):
        assert runs_on_threads(n_jobs=2)

    def test_gives_way_to_whoever_chooses(self):
        assert runs_on_processes(n_jobs=2, backend="processes")
        assert runs_on_processes(n_jobs=2, prefer="processes")
        with parallel_config(backend="processes"):
            assert runs_on_processes(n_jobs=2)

    def test_changes_nothing_for_one_job(self):
        assert runs_in_caller()

    def test_is_none_where_it_is_empty(self, monkeypatch):
        monkeypatch.setenv("FANFOLD_DEFAULT_BACKEND", "")
        assert runs_on_processes(n_jobs=2)

    def test_is_named_where_it_names_nothing(self, monkeypatch):
        monkeypatch.setenv("FANFOLD_DEFAULT_BACKEND", "treads")
        with pytest.raises(ValueError, match="did you mean 'threads'") as caught:
            Parallel(n_jobs=2)
        assert caught.value.__notes__ == [
            "It is the default here by FANFOLD_DEFAULT_BACKEND=treads."
        ]

    def test_is_not_named_where_another_is_at_fault(self):
        with pytest.raises(ValueError, match="did you mean 'threads'") as caught:
            Parallel(n_jobs=2, backend="treads")
        assert not hasattr(caught.value, "__notes__")


class TestEffectiveJobs:
    @pytest.mark.parametrize("n_jobs", [1, 2, 100])
    def test_positive_as_it_is(self, n_jobs):
        assert effective_n_jobs(n_jobs) == n_jobs

    def test_negative_counts_back_from_the_cpus(self):
        assert effective_n_jobs(-1) == effective_n_jobs() == cpu_count()
        assert effective_n_jobs(-2) == max(1, cpu_count() - 1)
        assert effective_n_jobs(-1000) == 1

    def test_none_is_what_the_configuration_says(self):
        assert effective_n_jobs(None) == 1
        with parallel_config(n_jobs=3):
            assert effective_n_jobs(None) == 3

    def test_zero_has_no_meaning(self):
        with pytest.raises(ValueError, match="no meaning"):
            effective_n_jobs(0)

    def test_the_sequential_backend_has_one(self):
        with parallel_config(backend="sequential"):
            assert effective_n_jobs(8) == 1


def nested(depth, n_jobs=2):
    """Return where each level of nested calls runs."""
    here = where()
    if depth == 0:
        return [here]
    (inner, _) = Parallel(n_jobs=n_jobs)(delayed(nested)(depth - 1) for _ in range(2))
    return [here, *inner]


class TestNesting:
    def test_threads_inside_processes_and_nothing_inside_those(self):
        top, first, second, third = nested(3)
        assert first[0] != top[0]  # another process
        assert second[0] == first[0]  # a thread there
        assert second[1] != first[1]
        assert third == second  # no further

    def test_threads_inside_threads_and_nothing_inside_those(self):
        with parallel_config(backend="threads"):
            top, first, second, third = nested(3)
        assert {top[0]} == {first[0], second[0], third[0]}
        assert len({top[1], first[1], second[1]}) == 3
        assert third == second

    def test_the_sequential_backend_is_no_level(self):
        def inner():
            return runs_on_processes(n_jobs=2)

        assert Parallel(n_jobs=1)([delayed(inner)()]) == [True]

    def test_inner_calls_without_jobs_use_one(self, concurrent_backend):
        def inner():
            return Parallel().n_jobs

        with parallel_config(backend=concurrent_backend, n_jobs=2):
            assert Parallel()([delayed(inner)()] * 2) == [1, 1]

    def test_inner_calls_may_choose_processes(self):
        def inner():
            return runs_on_processes(n_jobs=2, backend="processes")

        assert Parallel(n_jobs=2)([delayed(inner)()]) == [True]
        assert Parallel(n_jobs=2, backend="threads")([delayed(inner)()]) == [True]

    def test_context_variables_reach_threads(self):
        variable = contextvars.ContextVar("variable")
        variable.set("set by the caller")
        got = Parallel(n_jobs=2, backend="threads")(delayed(variable.get)() for _ in range(3))
        assert got == ["set by the caller"] * 3

    def test_what_a_task_sets_stays_in_its_context(self):
        variable = contextvars.ContextVar("variable", default=0)
        Parallel(n_jobs=2, backend="threads")(delayed(variable.set)(i) for i in range(3))
        assert variable.get() == 0

    def test_a_backend_may_lay_down_what_is_nested(self):
        class NestsSequential(ThreadsBackend):
            def nested_backend(self):
                return "sequential"

        def inner():
            return runs_in_caller(n_jobs=2)

        run = Parallel(n_jobs=2, backend=NestsSequential())
        assert run([delayed(inner)()] * 2) == [True, True]


class TestManyThreads:
    def test_calls_from_several_threads_do_not_meet(self, concurrent_backend):
        results, errors = {}, []

        def loop(n_jobs):
            try:
                for round_number in range(10):
                    run = Parallel(n_jobs=n_jobs, backend=concurrent_backend)
                    results[n_jobs, round_number] = run(delayed(pow)(i, n_jobs) for i in range(30))
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=loop, args=(n,)) for n in (2, 3, 4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(150)
        assert not errors
        assert not any(thread.is_alive() for thread in threads)
        assert len(results) == 30
        assert all(result == [i**n for i in range(30)] for (n, _), result in results.items())

    def test_workers_survive_the_thread_that_started_them(self):
        pids = []

        def start():
            pids.extend(Parallel(n_jobs=2)(delayed(os.getpid)() for _ in range(10)))

        thread = threading.Thread(target=start)
        thread.start()
        thread.join()
        again = Parallel(n_jobs=2)(delayed(os.getpid)() for _ in range(10))
        assert set(again) & set(pids)


class TestVerbose:
    def lines(self, capsys, verbose, n=20, **options):
        Parallel(verbose=verbose, **options)(delayed(abs)(i) for i in range(n))
        return capsys.readouterr()

    def test_zero_prints_nothing(self, capsys):
        assert self.lines(capsys, 0, n_jobs=2) == ("", "")

    def test_tells_backend_and_end_on_stderr(self, capsys):
        out, err = self.lines(capsys, 1, n_jobs=2, backend="threads")
        assert out == ""
        first, *_, last = err.splitlines()
        assert first == ("[Parallel(n_jobs=2)]: Using backend threads with 2 concurrent workers.")
        assert last.startswith("[Parallel(n_jobs=2)]: Done  20 out of  20 | elapsed:")
        assert last.endswith("finished")

    def test_high_values_go_to_stdout(self, capsys):
        out, err = self.lines(capsys, 51, n_jobs=1)
        assert "Done  20 out of  20" in out
        assert err == ""

    def test_higher_values_print_more(self, capsys):
        options = {"n": 200, "n_jobs": 2, "backend": "threads", "batch_size": 1}
        counts = [
            len(self.lines(capsys, verbose, **options).err.splitlines()) for verbose in (1, 5, 11)
        ]
        assert counts[0] < counts[1] < counts[2]
        assert counts[2] >= 200

    def test_what_is_left_is_told_where_the_total_is_known(self, capsys):
        Parallel(n_jobs=1, verbose=11)([delayed(abs)(1)] * 2)
        err = capsys.readouterr().err
        assert "out of   2" in err

    def test_an_early_end_is_told(self, capsys):
        with pytest.raises(TypeError):
            Parallel(n_jobs=2, backend="threads", verbose=1)([delayed(abs)("x")])
        assert "ended by TypeError" in capsys.readouterr().err
