"""What goes wrong gets its own clear error, where it happened, and the next call works."""

import os
import pickle
import re
import threading
import traceback

import pytest
from fanfold import Parallel, delayed
from fanfold.contracts import Backend, BackendCapabilities, BoundedExecutor, resolve_n_jobs
from fanfold.errors import (
    BackendUnavailableError,
    RemoteTaskError,
    UnencodableResultError,
    UnpicklableTaskError,
    UnreadableResultError,
)


def divide(a, b):
    return a / b


def inner_cause():
    try:
        {}["missing"]
    except KeyError as error:
        raise RuntimeError("outer") from error


class NeedsTwo(Exception):
    """Cannot be unpickled: its constructor takes more than it hands on."""

    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")


class OnlyRebuiltWhereRaised(Exception):
    """Can be unpickled in the process in which it was pickled."""

    def __reduce__(self):
        return rebuild_in, (os.getpid(),)


def rebuild_in(pid):
    if os.getpid() != pid:
        raise OSError("another process")
    return OnlyRebuiltWhereRaised()


def raise_what_is_only_rebuilt_here():
    raise OnlyRebuiltWhereRaised("there")


class Cancelling(Backend):
    """An engine on which somebody cancels whatever is submitted."""

    name = "cancelling"
    capabilities = BackendCapabilities()

    class Executor(BoundedExecutor):
        def start(self, batch, future):
            future.cancel()

        def abort(self):
            pass

    def effective_n_jobs(self, n_jobs):
        return resolve_n_jobs(n_jobs, 2)

    def executor(self, request):
        return self.Executor(request.n_jobs)


class Model:
    def __init__(self):
        self.name = "model"
        self.parts = {"lock": threading.Lock()}

    def describe(self, length):
        return self.name[:length]


class OnlyThere:
    """Can be pickled, but not rebuilt."""

    def __reduce__(self):
        return _refuse, ()


def _refuse():
    raise OSError("not here")


def works(backend):
    return Parallel(n_jobs=2, backend=backend)(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3]


class TestExceptionsOfTasks:
    def test_arrive_with_their_type_and_message(self, backend):
        with pytest.raises(ZeroDivisionError, match="division by zero"):
            Parallel(n_jobs=2, backend=backend)(delayed(divide)(1, b) for b in (1, 0, 2))
        assert works(backend)

    def test_show_where_they_were_raised(self, backend):
        with pytest.raises(ZeroDivisionError) as raised:
            Parallel(n_jobs=2, backend=backend)(delayed(divide)(1, b) for b in (1, 0, 2))
        shown = "".join(traceback.format_exception(raised.value))
        assert "return a / b" in shown
        assert "in divide" in shown

    def test_show_which_task_raised_them(self, backend):
        with pytest.raises(ZeroDivisionError) as raised:
            Parallel(n_jobs=2, backend=backend)(delayed(divide)(1, b) for b in (1, 2, 0))
        (note,) = raised.value.__notes__
        assert "raised by task 2: " in note
        assert "divide(1, 0)" in note

    def test_show_their_own_causes(self, backend):
        with pytest.raises(RuntimeError, match="outer") as raised:
            Parallel(n_jobs=2, backend=backend)([delayed(inner_cause)()] * 2)
        assert "KeyError: 'missing'" in "".join(traceback.format_exception(raised.value))

    def test_come_as_text_where_they_cannot_be_rebuilt(self):
        def fail():
            raise NeedsTwo("one", "two")

        with pytest.raises(RemoteTaskError, match=r"task \d: .*NeedsTwo.*one and two") as raised:
            Parallel(n_jobs=2)([delayed(fail)()] * 2)
        assert "raise NeedsTwo" in str(raised.value.__cause__)
        assert works("processes")

    def test_come_as_text_where_they_hold_what_cannot_be_pickled(self):
        def fail():
            error = ValueError("holds a lock")
            error.lock = threading.Lock()
            raise error

        with pytest.raises(RemoteTaskError, match=r"ValueError.*holds a lock"):
            Parallel(n_jobs=2)([delayed(fail)()] * 2)

    def test_end_the_call_at_once(self, concurrent_backend, tmp_path):
        def fail_or_wait(i):
            if i == 1:
                raise ValueError("first")
            while not (tmp_path / "never").exists():
                threading.Event().wait(0.01)

        run = Parallel(n_jobs=2, backend=concurrent_backend, batch_size=1)
        try:
            with pytest.raises(ValueError, match="first"):
                run(delayed(fail_or_wait)(i) for i in range(10))
        finally:
            (tmp_path / "never").touch()  # lets the threads end

    def test_keep_later_tasks_from_running(self, backend, tmp_path):
        def run_task(i):
            if i == 3:
                raise ValueError("stop here")
            (tmp_path / str(i)).touch()

        with pytest.raises(ValueError, match="stop here"):
            Parallel(n_jobs=2, backend=backend, batch_size=1)(
                delayed(run_task)(i) for i in range(1000)
            )
        assert len(list(tmp_path.iterdir())) < 500

    def test_system_exit_comes_to_the_caller(self, concurrent_backend):
        def leave():
            raise SystemExit(3)

        with pytest.raises(SystemExit) as raised:
            Parallel(n_jobs=2, backend=concurrent_backend)([delayed(leave)()] * 2)
        assert raised.value.code == 3
        assert works(concurrent_backend)


class TestUnpicklable:
    def test_argument_is_named_with_the_path_to_the_culprit(self):
        with pytest.raises(UnpicklableTaskError) as raised:
            Parallel(n_jobs=2)(delayed(divide)(i, Model()) for i in range(3))
        assert "task 0" in str(raised.value)
        assert "divide" in str(raised.value)
        assert "args[1].parts['lock']" in str(raised.value)
        assert isinstance(raised.value, pickle.PicklingError)
        assert isinstance(raised.value.__cause__, TypeError)
        assert works("processes")

    def test_keyword_argument_is_named(self):
        with pytest.raises(UnpicklableTaskError, match=r"kwargs\['b'\]"):
            Parallel(n_jobs=2)([delayed(divide)(1, b=threading.Lock())])

    def test_function_is_named_with_what_it_closes_over(self):
        lock = threading.Lock()

        def guarded(x):
            with lock:
                return x

        with pytest.raises(UnpicklableTaskError, match="closure variable 'lock'"):
            Parallel(n_jobs=2)([delayed(guarded)(1)])

    def test_method_is_named_with_the_object_it_belongs_to(self):
        with pytest.raises(UnpicklableTaskError, match=r"__self__\.parts\['lock'\]"):
            Parallel(n_jobs=2)([delayed(Model().describe)(1)])

    def test_result_is_named_with_the_path_to_the_culprit(self):
        with pytest.raises(UnencodableResultError) as raised:
            Parallel(n_jobs=2)(delayed(Model)() for _ in range(3))
        assert re.search(r"task \d: ", str(raised.value))
        assert "result.parts['lock']" in str(raised.value)
        assert isinstance(raised.value, pickle.PicklingError)
        assert works("processes")

    def test_result_does_not_matter_where_nothing_is_sent(self):
        models = Parallel(n_jobs=2, backend="threads")(delayed(Model)() for _ in range(3))
        assert [model.name for model in models] == ["model"] * 3


class TestThatCannotBeRebuilt:
    def test_result_is_named(self):
        with pytest.raises(
            UnreadableResultError, match=r"the result of task 1: .*not here"
        ) as raised:
            Parallel(n_jobs=2, batch_size=2)([delayed(abs)(1), delayed(OnlyThere)()])
        assert isinstance(raised.value, pickle.UnpicklingError)
        assert isinstance(raised.value.__cause__, OSError)
        assert works("processes")

    def test_argument_is_named(self):
        with pytest.raises(OSError, match="not here") as raised:
            Parallel(n_jobs=2, batch_size=1)([delayed(abs)(1), delayed(str)(OnlyThere())])
        (note,) = raised.value.__notes__
        assert "could not rebuild the arguments of task 1" in note
        assert works("processes")

    def test_function_is_named(self, tmp_path, monkeypatch):
        (tmp_path / "only_in_parent.py").write_text("def f(): return 1")
        monkeypatch.syspath_prepend(tmp_path)
        import only_in_parent

        monkeypatch.undo()
        with pytest.raises(ModuleNotFoundError, match="only_in_parent") as raised:
            Parallel(n_jobs=2)([delayed(only_in_parent.f)()])
        assert "could not rebuild the function of task 0" in raised.value.__notes__[0]
        assert works("processes")

    def test_results_before_it_are_yielded(self):
        results = Parallel(n_jobs=2, batch_size=3, return_as="generator")(
            [delayed(abs)(1), delayed(abs)(2), delayed(OnlyThere)()]
        )
        assert [next(results), next(results)] == [1, 2]
        with pytest.raises(UnreadableResultError):
            next(results)


class TestIterators:
    def test_an_exception_of_the_iterator_is_seen(self, backend):
        def inputs():
            yield delayed(abs)(-1)
            raise LookupError("no more inputs")

        with pytest.raises(LookupError, match="no more inputs"):
            Parallel(n_jobs=2, backend=backend)(inputs())
        assert works(backend)

    def test_an_exception_of_the_iterator_cancels_what_was_dispatched(
        self, concurrent_backend, tmp_path
    ):
        def run_task(i):
            (tmp_path / str(i)).touch()
            while not (tmp_path / "end").exists():
                threading.Event().wait(0.005)

        def inputs():
            yield from (delayed(run_task)(i) for i in range(4))
            raise LookupError("no more inputs")

        try:
            with pytest.raises(LookupError, match="no more inputs"):
                Parallel(n_jobs=1 + 1, backend=concurrent_backend, pre_dispatch=10)(inputs())
        finally:
            (tmp_path / "end").touch()
        assert works(concurrent_backend)
        assert not (tmp_path / "3").exists()

    def test_what_is_no_task_is_shown(self, backend):
        with pytest.raises(TypeError, match=r"task 1 is 5, of type int: expected what delayed"):
            Parallel(n_jobs=2, backend=backend)([delayed(abs)(1), 5])
        assert works(backend)

    def test_what_cannot_be_iterated_is_refused(self, backend):
        with pytest.raises(TypeError, match="not iterable"):
            Parallel(n_jobs=2, backend=backend)(5)
        assert works(backend)

    def test_the_iterator_runs_in_the_calling_thread(self, backend):
        threads = set()

        def inputs():
            for i in range(20):
                threads.add(threading.get_ident())
                yield delayed(abs)(i)

        Parallel(n_jobs=2, backend=backend)(inputs())
        assert threads == {threading.get_ident()}


class TestArguments:
    @pytest.mark.parametrize("wrong", [5, None, "abs", abs(3)])
    def test_delayed_takes_only_what_can_be_called(self, wrong):
        with pytest.raises(TypeError, match=r"delayed\(function\)\(argument\)"):
            delayed(wrong)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"n_jobs": 0}, "n_jobs == 0 in Parallel has no meaning"),
            ({"n_jobs": "many"}, "n_jobs='many' cannot be converted"),
            ({"backend": "proceses"}, "processes"),
            ({"backend": 5}, "backend=5 is not a backend"),
            ({"backend": "threads", "color": 1}, "cannot be made with"),
            ({"return_as": "set"}, "return_as='set'"),
            ({"batch_size": 0}, "batch_size=0"),
            ({"batch_size": "large"}, "batch_size='large'"),
            ({"batch_size": True}, "batch_size=True"),
            ({"timeout": 0}, "timeout=0"),
            ({"timeout": "1s"}, "timeout='1s'"),
            ({"timeout": True}, "timeout=True"),
            ({"max_nbytes": "1X"}, "max_nbytes='1X'"),
            ({"mmap_mode": "rw"}, "mmap_mode='rw'"),
            ({"prefer": "gpus"}, "prefer='gpus'"),
            ({"require": "gpus"}, "require='gpus'"),
            ({"prefer": "processes", "require": "sharedmem"}, "inconsistent"),
            ({"backend": "processes", "require": "sharedmem"}, "does not support shared memory"),
        ],
    )
    def test_wrong_values_are_named(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            Parallel(**{"n_jobs": 2, **arguments})

    def test_an_instance_takes_no_further_parameters(self):
        from fanfold.backends.threads import ThreadsBackend

        with pytest.raises(ValueError, match="made already"):
            Parallel(n_jobs=2, backend=ThreadsBackend(), color=1)

    def test_all_of_joblibs_arguments_are_accepted(self):
        run = Parallel(
            n_jobs=2,
            backend="threading",
            return_as="list",
            verbose=0,
            timeout=100,
            pre_dispatch="2*n_jobs",
            batch_size="auto",
            temp_folder=None,
            max_nbytes="1M",
            mmap_mode="r",
            prefer=None,
            require=None,
        )
        assert run(delayed(abs)(i) for i in range(3)) == [0, 1, 2]

    def test_an_object_runs_one_call_at_a_time(self, backend):
        run = Parallel(n_jobs=2, backend=backend, return_as="generator")
        results = run(delayed(abs)(i) for i in range(5))
        with pytest.raises(RuntimeError, match="running already"):
            run(delayed(abs)(i) for i in range(5))
        results.close()
        assert list(run(delayed(abs)(i) for i in range(3))) == [0, 1, 2]

    def test_an_object_that_is_about_to_run_a_call_runs_no_other(self, backend):
        run = Parallel(n_jobs=2, backend=backend)

        class Calls:
            def __iter__(self):  # as another thread may do at this moment
                with pytest.raises(RuntimeError, match="running already"):
                    run([delayed(abs)(-2)])
                yield delayed(abs)(-1)

        assert run(Calls()) == [1]

    @pytest.mark.parametrize("tasks", [None, 3], ids=repr)
    def test_an_object_is_free_after_an_input_that_is_none(self, backend, tasks):
        run = Parallel(n_jobs=2, backend=backend)
        with pytest.raises(TypeError):
            run(tasks)
        assert run([delayed(abs)(-1)]) == [1]

    def test_a_failed_call_leaves_the_object_free(self, backend):
        run = Parallel(n_jobs=2, backend=backend)
        with pytest.raises(ZeroDivisionError):
            run([delayed(divide)(1, 0)])
        assert run([delayed(divide)(1, 1)]) == [1.0]


def test_an_exception_that_only_its_worker_can_rebuild_comes_as_text():
    with pytest.raises(RemoteTaskError, match=r"OnlyRebuilt.*cannot be rebuilt.*there"):
        Parallel(n_jobs=2)([delayed(raise_what_is_only_rebuilt_here)()])
    assert works("processes")


def test_a_batch_that_somebody_cancelled_is_named():
    with pytest.raises(BackendUnavailableError, match=r"cancelled the batch of task 0: .*abs"):
        Parallel(n_jobs=2, backend=Cancelling())([delayed(abs)(-1)])
