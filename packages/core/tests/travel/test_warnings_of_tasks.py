"""Warnings: the caller's filters hold in tasks, and what tasks warn of is issued in its process."""

import io
import threading
import warnings

import pytest
from fanfold import Parallel, delayed


def warn(text, category=UserWarning):
    warnings.warn(text, category, stacklevel=1)
    return text


def warn_caller(text):
    warnings.warn(text, stacklevel=2)


def call_what_warns(text):
    warn_caller(text)


def run(backend, function, *arguments, n_tasks=3):
    return Parallel(n_jobs=2, backend=backend)(
        delayed(function)(*arguments) for _ in range(n_tasks)
    )


def recorded(backend, action, function, *arguments):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter(action)
        run(backend, function, *arguments)
    return caught


class OurWarning(UserWarning):
    pass


class UnpicklableWarning(RuntimeWarning):
    def __init__(self, text):
        super().__init__(text)
        self.lock = threading.Lock()


def test_warnings_can_be_expected(backend):
    with pytest.warns(OurWarning, match="careful"):
        run(backend, warn, "careful", OurWarning)


def test_they_blame_the_same_line(backend):
    [warning] = recorded(backend, "default", call_what_warns, "blamed")
    assert warning.filename == __file__
    assert warning.lineno == call_what_warns.__code__.co_firstlineno + 1


@pytest.mark.parametrize(("action", "count"), [("always", 3), ("default", 1), ("ignore", 0)])
def test_they_are_repeated_as_often_as_here(backend, action, count):
    caught = recorded(backend, action, warn, f"{backend} {action}")
    assert [str(warning.message) for warning in caught] == [f"{backend} {action}"] * count


def test_they_are_issued_again_for_the_next_call(backend):
    text = f"anew on {backend}"
    assert [len(recorded(backend, "default", warn, text)) for _ in range(3)] == [1, 1, 1]


def test_a_filter_that_raises_does_so_in_the_task(backend):
    with warnings.catch_warnings(), pytest.raises(OurWarning, match="careful") as caught:
        warnings.simplefilter("error", OurWarning)
        run(backend, warn, "careful", OurWarning)
    assert "in warn\n" in "".join(_traceback(caught.value))


def _traceback(error):
    import traceback

    return traceback.format_exception(error)


def test_filters_match_message_category_and_module(backend):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", message="Not .*", category=OurWarning)
        warnings.filterwarnings("error", module="no.such.module")
        run(backend, warn, "not this", OurWarning, n_tasks=1)
        run(backend, warn, "not this", UserWarning, n_tasks=1)
        run(backend, warn, "but this", OurWarning, n_tasks=1)
    assert [(str(one.message), one.category) for one in caught] == [
        ("not this", UserWarning),
        ("but this", OurWarning),
    ]


def test_filters_for_libraries_do_not_import_them(tmp_path, run_script):
    (tmp_path / "heavy.py").write_text("class HeavyWarning(UserWarning): pass")
    source = """
import warnings, heavy
from fanfold import Parallel, delayed
warnings.filterwarnings("ignore", "[a-z]+", heavy.HeavyWarning)
def loaded():
    import sys
    return "heavy" in sys.modules, "re" in sys.modules
print(Parallel(n_jobs=2)([delayed(loaded)()]))
def late():
    import heavy
    warnings.warn("x", heavy.HeavyWarning)
    warnings.warn("y")
with warnings.catch_warnings(record=True) as caught:
    Parallel(n_jobs=2)([delayed(late)()])
print([str(one.message) for one in caught])
"""
    imported, messages = run_script(source).stdout.splitlines()
    assert imported.startswith("[(False,")
    assert messages == "['y']"


def test_a_warning_that_cannot_be_pickled_comes_back_as_text(concurrent_backend):
    def task():
        warnings.warn(UnpicklableWarning("with a lock"), stacklevel=1)

    with pytest.warns(RuntimeWarning, match="with a lock"):
        run(concurrent_backend, task)


def test_a_task_that_records_warnings_keeps_them(backend):
    def task():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warnings.warn("for the task", stacklevel=1)
        return [str(one.message) for one in caught]

    assert run(backend, task, n_tasks=1) == [["for the task"]]


def test_a_task_that_shows_a_warning_in_a_file_finds_it_there():
    def task():
        file = io.StringIO()
        warnings.showwarning("on file", UserWarning, "here.py", 3, file)
        return file.getvalue()

    assert run("processes", task, n_tasks=1) == ["here.py:3: UserWarning: on file\n"]


def test_warnings_of_a_tasks_threads_come_back_too(backend):
    def task():
        thread = threading.Thread(target=warn, args=("from a thread",))
        thread.start()
        thread.join()

    with pytest.warns(UserWarning, match="from a thread"):
        run(backend, task, n_tasks=1)


def test_a_warning_that_would_raise_here_by_now_is_shown():
    stream = Parallel(n_jobs=2, backend="processes", return_as="generator")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        results = stream(delayed(warn)("too late") for _ in range(2))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("error")
        assert list(results) == ["too late"] * 2
    assert [str(one.message) for one in caught] == ["too late"] * 2


def test_the_workers_own_filters_hold_again_afterwards():
    def n_filters():
        return len(warnings.filters)

    [before] = run("processes", n_filters, n_tasks=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", OurWarning)
        [within] = run("processes", n_filters, n_tasks=1)
    [after] = run("processes", n_filters, n_tasks=1)
    assert (within, after) == (before + 1, before)


def test_a_script_without_options_shows_each_warning_once(run_script):
    source = """
import warnings
from fanfold import Parallel, delayed
def task():
    warnings.warn("mind the gap", DeprecationWarning)
for _ in range(2):
    Parallel(n_jobs=2)(delayed(task)() for _ in range(10))
"""
    assert run_script(source).stderr.count("DeprecationWarning: mind the gap") == 1


def test_scikit_learns_way_of_passing_its_configuration_works(backend):
    pytest.importorskip("sklearn")
    from sklearn import config_context, get_config
    from sklearn.utils.parallel import delayed as sklearn_delayed

    def task():
        warn("within scikit-learn")
        return get_config()["assume_finite"]

    with config_context(assume_finite=True), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function, args, kwargs = sklearn_delayed(task)()
        # As scikit-learn's own Parallel does, which derives from joblib's.
        function.with_config_and_warning_filters(get_config(), warnings.filters)
        results = Parallel(n_jobs=2, backend=backend)([(function, args, kwargs)])

    assert results == [True]
    assert [str(one.message) for one in caught] == ["within scikit-learn"]


def test_a_filter_may_name_several_categories(backend):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", (OurWarning, RuntimeWarning))
        for category in (OurWarning, RuntimeWarning, UserWarning):
            run(backend, warn, "one of them", category, n_tasks=1)
    assert [one.category for one in caught] == [UserWarning]
