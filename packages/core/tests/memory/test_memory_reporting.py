"""What a cache tells: lines for the user, summaries of arguments, and events for observers."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from fanfold import Memory, register_hooks, unregister_hooks
from fanfold.contracts.hooks import hookimpl
from fanfold.errors import FanfoldWarning


def square(x: int, power: int = 2) -> int:
    return int(x**power)


def told(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_by_default_computing_is_told_and_finding_is_not(
    location: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cached = Memory(location).cache(square)

    cached(3, power=2)
    cached(3)

    calling, took = told(capsys)
    assert calling == f"[Memory] Calling {__name__}.square(3, power=2)..."
    assert re.fullmatch(rf"\[Memory\] {__name__}\.square took \d+\.\d\d s", took)


def test_nothing_is_told_where_verbose_is_0(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    cached = memory.cache(square)

    cached(3)
    cached(3)
    cached.clear()
    memory.clear()

    assert told(capsys) == []


def test_finding_is_told_where_verbose_is_2(
    location: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cached = Memory(location, verbose=2).cache(square)

    cached(3)
    cached(3)

    assert told(capsys)[2:] == [f"[Memory] Loaded a result of {__name__}.square"]


def test_keys_are_told_where_verbose_is_11(
    location: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cached: Any = Memory(location).cache(square, verbose=11)

    reference = cached.call_and_shelve(3)
    cached(3)

    place = f"[{reference.key} in {reference.location}]"
    lines = told(capsys)
    assert lines[0].endswith(f"square(3) {place}...")
    assert lines[2].endswith(f"square {place}")


def test_clearing_is_told_unless_that_is_not_wanted(
    location: str, capsys: pytest.CaptureFixture[str]
) -> None:
    memory = Memory(location)
    cached = memory.cache(square)

    cached.clear()
    memory.clear()
    cached.clear(warn=False)
    memory.clear(warn=False)

    lines = told(capsys)
    assert len(lines) == 2
    assert lines[0].startswith(f"[Memory] Clearing the results of {__name__}.square in ")
    assert lines[1].startswith("[Memory] Clearing all results in ")


@pytest.mark.parametrize(
    ("argument", "summary"),
    [
        (3, "3"),
        ("text", "'text'"),
        ([1, 2, 3], "[1, 2, 3]"),
        (list(range(1_000_000)), "[0, 1, 2, 3, 4, 5, ...]"),
        ({"key": (1, 2)}, "{'key': (1, 2)}"),
    ],
)
def test_arguments_are_summarised(memory: Memory, argument: object, summary: str) -> None:
    _, metadata = memory.cache(lambda x: None).call(argument)

    assert metadata["input_args"] == {"x": summary}


def test_arrays_are_told_by_their_shape(memory: Memory) -> None:
    np = pytest.importorskip("numpy")

    _, metadata = memory.cache(lambda x: None).call(np.zeros((3, 4)))

    assert metadata["input_args"] == {"x": "ndarray(shape=(3, 4), dtype=float64)"}


def test_objects_with_a_shape_of_another_kind_are_told_by_their_repr(memory: Memory) -> None:
    _, metadata = memory.cache(lambda x: None).call(Shaped())

    assert metadata["input_args"] == {"x": "<a circle>"}


class Shaped:
    @property
    def shape(self) -> str:
        raise ZeroDivisionError

    def __repr__(self) -> str:
        return "<a\n   circle>"


def test_summaries_stay_short_whatever_the_arguments(memory: Memory) -> None:
    cached = memory.cache(lambda **named: None)

    _, metadata = cached.call(**{f"name_{n}": "\N{SNOWMAN}" * 10_000 for n in range(1000)})

    assert len(str(metadata["input_args"])) < 4000
    assert cached.check_call_in_cache(**{f"name_{n}": "\N{SNOWMAN}" * 10_000 for n in range(1000)})


def test_summaries_of_many_parameters_fit_into_an_entry(memory: Memory) -> None:
    names = [f"parameter_{n}" for n in range(200)]
    namespace: dict[str, Any] = {}
    exec(f"def f({', '.join(names)}): return 1", namespace)
    cached = memory.cache(namespace["f"])
    arguments = dict.fromkeys(names, "\N{SNOWMAN}" * 300)

    cached(**arguments)

    assert cached.check_call_in_cache(**arguments)


class Observer:
    def __init__(self) -> None:
        self.events: list[tuple[str, str, str, Mapping[str, Any]]] = []

    @hookimpl
    def fanfold_cache_event(
        self, event: str, function: str, key: str, details: Mapping[str, Any]
    ) -> None:
        self.events.append((event, function, key, details))

    @property
    def names(self) -> list[str]:
        return [event for event, *_ in self.events]


@pytest.fixture
def observer() -> Iterator[Observer]:
    observer = Observer()
    register_hooks(observer)
    yield observer
    unregister_hooks(observer)


def test_observers_see_misses_results_and_hits(memory: Memory, observer: Observer) -> None:
    cached: Any = memory.cache(square)

    cached(3)
    cached(3)
    cached.call_and_shelve(3)

    assert observer.names == ["miss", "stored", "hit", "hit"]
    assert {function for _, function, *_ in observer.events} == {"square"}
    assert {key for *_, key, _ in observer.events} == {cached.call_and_shelve(3).key}
    stored = observer.events[1][3]
    assert stored["nbytes"] > 0
    assert stored["seconds"] >= 0


def test_observers_see_what_was_removed_to_save_space(memory: Memory, observer: Observer) -> None:
    memory.cache(square)(3)

    memory.reduce_size(items_limit=0)

    assert observer.names == ["miss", "stored", "evicted"]
    assert observer.events[2][1] == "square"


def test_observers_see_what_was_damaged(memory: Memory, observer: Observer) -> None:
    cached: Any = memory.cache(square)
    key = cached.call_and_shelve(3).key
    assert memory.store_backend is not None
    memory.store_backend.put(key, [b"nonsense"])

    with pytest.warns(FanfoldWarning, match="is computed again"):
        cached(3)

    assert observer.names == ["miss", "stored", "damaged", "miss", "stored"]


def test_observers_see_what_could_not_be_kept(
    broken: tuple[Memory, set[str]], observer: Observer
) -> None:
    memory, methods = broken
    methods.add("put")

    with pytest.warns(FanfoldWarning, match="disk is full"):
        memory.cache(square)(3)

    assert observer.names == ["miss", "not_stored"]
    assert "disk is full" in str(observer.events[1][3]["error"])


def test_observers_see_what_could_not_be_pickled(memory: Memory, observer: Observer) -> None:
    cached = memory.cache(threading.Lock)

    with pytest.warns(FanfoldWarning, match="cannot be pickled"):
        cached()

    assert observer.names == ["miss", "not_stored"]
    assert "cannot pickle" in str(observer.events[1][3]["error"])
