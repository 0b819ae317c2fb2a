"""Context variables: tasks find the values that they had where the call was made."""

import decimal
import logging
import pickle
import threading
from contextvars import ContextVar, copy_context

import pytest
from fanfold import Parallel, delayed, effective_n_jobs, parallel_config
from fanfold.errors import UnpicklableTaskError

request_id = ContextVar("request_id", default="none")
without_default = ContextVar("without_default")


def current_request():
    return request_id.get()


def change_request(value):
    before = request_id.get()
    request_id.set(value)
    return before


def values(backend, n_tasks=4):
    run = Parallel(n_jobs=2, backend=backend)
    return set(run(delayed(current_request)() for _ in range(n_tasks)))


@pytest.fixture
def in_a_context():
    """Run a function in a context of its own, so that tests leave nothing behind."""
    return copy_context().run


def test_tasks_find_the_value_of_the_caller(backend, in_a_context):
    def call():
        request_id.set("a17")
        return values(backend)

    assert in_a_context(call) == {"a17"}


def test_each_call_has_its_own_value(backend, in_a_context):
    def call(value):
        request_id.set(value)
        return values(backend)

    assert [in_a_context(call, value) for value in ("a", "b")] == [{"a"}, {"b"}]
    assert values(backend) == {"none"}


def test_a_stream_keeps_the_value_of_the_time_of_its_call(concurrent_backend, in_a_context):
    def call():
        request_id.set("at the call")
        run = Parallel(n_jobs=2, backend=concurrent_backend, return_as="generator")
        stream = run(delayed(current_request)() for _ in range(50))
        request_id.set("later")
        return set(stream)

    assert in_a_context(call) == {"at the call"}


def test_what_tasks_set_is_not_seen_by_later_batches(concurrent_backend):
    run = Parallel(n_jobs=2, backend=concurrent_backend, batch_size=1)
    assert set(run(delayed(change_request)(i) for i in range(10))) == {"none"}


@pytest.mark.parametrize("alias", ["", "import multiprocessing"], ids=["", "with an alias"])
def test_values_of_classes_from_main_travel(run_script, alias):
    source = f"""{alias}
from contextvars import ContextVar
from fanfold import Parallel, delayed

class Request:
    def __init__(self, number):
        self.number = number

current = ContextVar("current")
fallback = ContextVar("fallback", default="as defined")

def look():
    return current.get().number, fallback.get(), current.name

current.set(Request(3))
print(Parallel(n_jobs=2)(delayed(look)() for _ in range(2)))
fallback.set("as set")
print(Parallel(n_jobs=2)(delayed(look)() for _ in range(1)))
"""
    done = run_script(source)
    assert done.stdout.splitlines() == [
        "[(3, 'as defined', 'current'), (3, 'as defined', 'current')]",
        "[(3, 'as set', 'current')]",
    ]


def test_a_variable_of_main_travels_on_into_nested_calls(run_script):
    source = """
from contextvars import ContextVar
from fanfold import Parallel, delayed

current = ContextVar("current", default=0)

def inner():
    return current.get()

def outer():
    current.set(current.get() + 1)
    return Parallel(n_jobs=2, backend="processes")(delayed(inner)() for _ in range(2))

current.set(10)
print(Parallel(n_jobs=2, backend="processes")(delayed(outer)() for _ in range(2)))
"""
    assert run_script(source).stdout == "[[11, 11], [11, 11]]\n"


def test_what_main_imported_is_found_in_its_own_module(run_script, tmp_path):
    module = """
from contextvars import ContextVar
span = ContextVar("span")
def name():
    return span.get()
"""
    (tmp_path / "tracing.py").write_text(module)
    source = """
from tracing import name, span
from fanfold import Parallel, delayed
span.set("outer")
print(Parallel(n_jobs=2)([delayed(name)()]))
"""
    assert run_script(source).stdout == "['outer']\n"


def test_a_module_that_another_thread_is_importing_is_waited_for(run_script, tmp_path):
    module = """
import sys
sys.modules["meeting"].began.set()
sys.modules["meeting"].go_on.wait()
from contextvars import ContextVar
span = ContextVar("span")
"""
    (tmp_path / "tracing.py").write_text(module)
    source = """
import sys, threading, types
from fanfold.tasks.travel.variables import variable_at

meeting = sys.modules["meeting"] = types.ModuleType("meeting")
meeting.began, meeting.go_on = threading.Event(), threading.Event()
importing = threading.Thread(target=__import__, args=["tracing"])
importing.start()
meeting.began.wait()
found = []
looking = threading.Thread(target=lambda: found.append(variable_at(("tracing", "span"), ())))
looking.start()
looking.join(0.1)  # has looked, if it does not wait; whether it has or not, it is to find it
meeting.go_on.set()
looking.join()
print(found[0].name)
"""
    assert run_script(source).stdout == "span\n"


def test_looking_for_a_variable_imports_nothing(run_script, tmp_path):
    (tmp_path / "lazily.py").write_text("print('imported')")
    source = """
import importlib.util, sys
from contextvars import ContextVar
from fanfold import Parallel, delayed

spec = importlib.util.find_spec("lazily")
spec.loader = importlib.util.LazyLoader(spec.loader)
sys.modules["lazily"] = lazily = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lazily)
sys.modules["not a module"] = 3

current = ContextVar("current", default=0)
def look():
    return current.get()
current.set(1)
print(Parallel(n_jobs=2)([delayed(look)()]))
"""
    assert run_script(source).stdout == "[1]\n"


def test_a_variable_of_no_module_cannot_be_sent():
    hidden = [ContextVar("hidden")]
    with pytest.raises(UnpicklableTaskError, match="'hidden' is not an attribute of a module"):
        Parallel(n_jobs=2, backend="processes")([delayed(len)(hidden)])


def test_other_picklers_know_nothing_of_variables():
    with pytest.raises(TypeError, match="ContextVar"):
        pickle.dumps(request_id)


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        (ContextVar("nowhere"), 1, "'nowhere' stays behind: it is not an attribute of a module"),
        (without_default, threading.Lock(), "'without_default' stays behind: its value cannot be"),
    ],
    ids=["not found", "not picklable"],
)
def test_what_cannot_travel_stays_behind_and_is_told_once(
    in_a_context, caplog, variable, value, reason
):
    def call():
        variable.set(value)
        return [values("processes") for _ in range(2)]

    with caplog.at_level(logging.DEBUG, "fanfold"):
        assert in_a_context(call) == [{"none"}] * 2
    assert [reason in record.getMessage() for record in caplog.records] == [True]


def test_a_value_that_cannot_be_rebuilt_does_not_disturb_the_task(in_a_context):
    def call():
        without_default.set(OnlyHere())
        return values("processes")

    assert in_a_context(call) == {"none"}


class OnlyHere:
    def __reduce__(self):
        return int, ("no number",)


def test_the_configuration_stays_with_the_caller(backend):
    with parallel_config(backend=backend, n_jobs=2):
        counts = Parallel()(delayed(effective_n_jobs)(None) for _ in range(2))
    assert set(counts) == {1}


def test_numpys_treatment_of_errors_travels(backend):
    numpy = pytest.importorskip("numpy")

    with numpy.errstate(divide="raise", over="ignore"):
        found = Parallel(n_jobs=2, backend=backend)([delayed(numpy.geterr)()])
    [after] = Parallel(n_jobs=2, backend=backend)([delayed(numpy.geterr)()])

    assert (found[0]["divide"], found[0]["over"]) == ("raise", "ignore")
    assert after == numpy.geterr()


def test_the_decimal_context_travels(backend):
    with decimal.localcontext(prec=5):
        quotients = Parallel(n_jobs=2, backend=backend)([delayed(one_third)()])
    assert quotients == [decimal.Decimal("0.33333")]


def one_third():
    return decimal.Decimal(1) / 3


def test_a_decimal_context_that_only_calculated_does_not(in_a_context):
    from fanfold.tasks.travel.variables import pack_variables

    def call():
        one_third()
        return pack_variables(copy_context())

    assert in_a_context(call) == ()
