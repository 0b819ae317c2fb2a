"""initializer=: what each worker runs once, before its first task."""

import os
import threading

import pytest
from fanfold import Parallel, delayed, parallel_config
from fanfold.backends.processes import ProcessesBackend
from fanfold.backends.threads import ThreadsBackend
from fanfold.errors import InitializerError, InvalidArgumentError, UnpicklableTaskError

ready = threading.local()
"""What initializers leave; each worker process has its own anyway."""


@pytest.fixture(autouse=True)
def _fresh_workers():
    ProcessesBackend().close()
    ThreadsBackend().close()
    ready.__dict__.clear()


@pytest.fixture
def word(request):
    """A word that no test before has used: the calling thread remembers what it has run."""
    return request.node.name


def make_ready(word):
    ready.words = [*getattr(ready, "words", []), word]


def words():
    return getattr(ready, "words", None)


def note(folder):
    with (folder / f"{os.getpid()} {threading.get_ident()}").open("a") as file:
        file.write("x")


def calls(backend, initializer, initargs=(), n_calls=1, n_tasks=8):
    run = Parallel(
        n_jobs=2, backend=backend, batch_size=1, initializer=initializer, initargs=initargs
    )
    return [run(delayed(words)() for _ in range(n_tasks)) for _ in range(n_calls)]


def test_it_has_run_before_the_first_task(backend, word):
    [results] = calls(backend, make_ready, (word,))
    assert results == [[word]] * 8


def test_it_runs_once_in_each_worker(backend, tmp_path):
    calls(backend, note, (tmp_path,), n_calls=3)
    assert {path.read_text() for path in tmp_path.iterdir()} == {"x"}


def test_so_it_does_for_another_object_that_asks_the_same(backend, word):
    assert calls(backend, make_ready, (word,)) == calls(backend, make_ready, (word,))


def test_other_arguments_are_another_initializer(backend, word):
    calls(backend, make_ready, (word,))
    [results] = calls(backend, make_ready, ("other " + word,), n_tasks=20)
    assert {one[-1] for one in results} == {"other " + word}


def test_calls_that_do_not_ask_for_it_do_without(backend):
    assert Parallel(n_jobs=2, backend=backend)([delayed(words)()]) == [None]


def test_it_can_be_configured(backend, word):
    with parallel_config(backend=backend, n_jobs=2, initializer=make_ready, initargs=(word,)):
        assert Parallel(initializer=None)([delayed(words)()]) == [None]
        assert Parallel()([delayed(words)()]) == [[word]]


def test_long_arguments_are_known_again(backend, tmp_path):
    numbers = list(range(1000))  # more bytes than are kept as they are
    for _ in range(2):
        calls(backend, note_and_ignore, (tmp_path, numbers))
    assert {path.read_text() for path in tmp_path.iterdir()} == {"x"}


def note_and_ignore(folder, _):
    note(folder)


def fail(reason):
    raise ValueError(reason)


def test_a_failure_names_it_and_its_cause(backend):
    with pytest.raises(InitializerError, match=r"fail\('no licence'\) raised ValueError: no") as e:
        calls(backend, fail, ("no licence",))
    cause = e.value.__cause__
    assert "no licence" in str(cause)


def test_it_may_ask_the_worker_to_exit(backend):
    with pytest.raises(InitializerError, match="raised SystemExit"):
        calls(backend, raise_system_exit)


def raise_system_exit():
    raise SystemExit(3)


def test_after_a_failure_workers_serve_on(backend, word):
    with pytest.raises(InitializerError):
        calls(backend, fail, ("once",))
    assert calls(backend, make_ready, (word,)) == [[[word]] * 8]


def test_it_is_tried_again_by_the_next_call(backend, tmp_path):
    path = tmp_path / "licence"
    with pytest.raises(InitializerError):
        calls(backend, open_for_reading, (path,))
    path.touch()
    calls(backend, open_for_reading, (path,))


def open_for_reading(path):
    path.open().close()


def test_what_workers_cannot_rebuild_is_told():
    with pytest.raises(InitializerError, match="could not rebuild the initializer: ValueError"):
        calls("processes", make_ready, (CannotBeRebuilt(),))


class CannotBeRebuilt:
    def __reduce__(self):
        return int, ("no number",)


@pytest.mark.parametrize(
    ("initializer", "initargs", "message"),
    [
        (make_ready, (threading.Lock(),), r"make_ready cannot be sent to workers: initargs\[0\]"),
        (threading.Lock().acquire, (), "acquire cannot be sent to workers: .*'_thread.lock'"),
    ],
    ids=["arguments", "function"],
)
def test_what_cannot_be_sent_is_told(initializer, initargs, message):
    with pytest.raises(UnpicklableTaskError, match=message):
        calls("processes", initializer, initargs)


def test_threads_need_not_send_it():
    lock = threading.Lock()
    assert calls("threads", make_ready, (lock,)) == [[[lock]] * 8]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"initializer": "start"}, "initializer='start' cannot be called"),
        ({"initializer": fail, "initargs": "why"}, "initargs='why' is not valid"),
    ],
)
def test_nonsense_is_refused(arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        Parallel(n_jobs=2, **arguments)


class NotRebuilt:
    def __reduce__(self):
        return int, ("no number",)


def test_one_that_a_worker_cannot_rebuild_is_named():
    run = Parallel(n_jobs=2, backend="processes", initializer=print, initargs=(NotRebuilt(),))
    with pytest.raises(InitializerError, match="could not rebuild the initializer: ValueError"):
        run([delayed(abs)(-1)])
