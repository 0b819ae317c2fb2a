"""Looking for the results of tasks before they are sent: what is in a cache already is not.

A task whose result is found never becomes part of a batch. Those in between become batches of
consecutive tasks, as ever, so that the number of a task stays what it is in the input.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from math import inf
from sys import getsizeof

from ..contracts.lookup import NOT_FOUND, finder_of_task
from ..tasks.known_objects import known_objects
from ._peeking import raising

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, Protocol, TypeAlias

    from ..contracts.lookup import Finder
    from ..tasks.batches import EncodedBatch
    from ..tasks.local import LocalBatch
    from ..tasks.naming import Task

    class Preparing(Protocol):
        """Makes batches of tasks that somebody else takes from the input."""

        MOST_BYTES: int

        def prepare(self, task: Task, index: int) -> Any:
            """Return a task as it is now, for :meth:`batch_of`."""

        def nbytes_of(self, prepared: Any) -> int:
            """Return how many bytes a prepared task takes on the way."""

        def batch_of(self, first_task: int, prepared: list[Any]) -> EncodedBatch | LocalBatch:
            """Return a batch of consecutive tasks."""

    _Keyed: TypeAlias = tuple[Finder | None, str, Any]
    """What finds the result of a task, by which key, and the task as it was then."""

__all__ = ["Found", "LookingFeeder"]


class Found:
    """The results of consecutive tasks that need not be run.

    Attributes
    ----------
    results : list
        The results.
    nbytes : int
        How many bytes they take, about.
    """

    __slots__ = ("nbytes", "results")

    def __init__(self, results: list[object], nbytes: int) -> None:
        self.results = results
        self.nbytes = nbytes


class LookingFeeder:
    """Takes tasks from an iterator, and looks for their results as they come.

    Where results are best looked up many at once, as those in a bucket are, so many tasks are taken
    from the iterator at once, and each is prepared as it is taken: its arguments count as they were
    when the iterator gave them.

    Parameters
    ----------
    preparing : Preparing
        Makes batches of those that must run.
    tasks : iterable
        The tasks.
    at_once : int
        For how many of them to look at once.
    counts_misses : bool
        Whether what is not found counts as a miss before it is run.
    """

    MOST_FOUND = 64
    """So many results are looked up in one go, which takes a few milliseconds on a disk."""
    REMEMBERED = 64

    def __init__(
        self, preparing: Preparing, tasks: Iterable[Task], at_once: int, *, counts_misses: bool
    ) -> None:
        self._preparing = preparing
        self._at_once = at_once
        self._counts_misses = counts_misses
        self._finders: dict[int, tuple[object, Finder | None]] = {}
        self._n_taken = 0
        self._room = inf
        self._tasks = iter(tasks)
        self._keyed: Iterator[_Keyed] | None = None
        if at_once > 1:
            self._keyed = map(self._with_key, self._tasks)
        # Whether it was found; the result, or the task; how many bytes that takes.
        self._looked_up: deque[tuple[bool, Any, int]] = deque()
        self._is_at_end = False

    @property
    def exhausted(self) -> bool:
        """Whether all tasks of the iterator were returned."""
        return self._is_at_end and not self._looked_up

    def take_all(self) -> None:
        """Take everything from the iterator now; it is looked up when it is needed."""
        self._keyed = iter([self._with_key(task) for task in self._tasks])

    def first_function(self) -> None:
        """Return None: what earlier calls took says nothing of those whose results are there."""

    def look_ahead(self, size: int) -> int:
        """Take nothing beforehand."""
        return 0

    def take_found(self, room: float) -> Found | None:
        """Return the results of the next tasks, as far as they were found.

        Parameters
        ----------
        room : float
            How many tasks may be taken from the iterator, and wait here, until this is called
            again.
        """
        self._room = room
        results, nbytes = self._take_run(is_found=True, most=self.MOST_FOUND)
        return Found(results, nbytes) if results else None

    def take(self, first_task: int, size: int) -> EncodedBatch | LocalBatch | None:
        """Return up to `size` tasks whose results were not found as a batch, or None.

        It is cut short by the next result that was found.
        """
        tasks, _ = self._take_run(is_found=False, most=size)
        return self._preparing.batch_of(first_task, tasks) if tasks else None

    def _take_run(self, *, is_found: bool, most: int) -> tuple[list[Any], int]:
        """Return the next results, or the next tasks, and how many bytes they take."""
        run: list[Any] = []
        nbytes = 0
        while len(run) < most and nbytes < self._preparing.MOST_BYTES:
            if not self._looked_up:
                self._look_up()
            if not self._looked_up or self._looked_up[0][0] is not is_found:
                break
            _, one, nbytes_of_one = self._looked_up.popleft()
            run.append(one)
            nbytes += nbytes_of_one
            self._room -= 1
        return run, nbytes

    def _look_up(self) -> None:
        """Take the next tasks from the iterator, if there is room, and look for their results."""
        if self._room < 1 or self._is_at_end:
            return
        if self._keyed is not None:
            self._look_up_many(int(min(self._room, self._at_once)))
            return
        for task in islice(self._tasks, 1):
            self._n_taken += 1
            finder, key = self._key_of(task)
            result = NOT_FOUND if finder is None else _find(finder, [key])[0]
            self._note(result, None if result is not NOT_FOUND else self._prepare(task))
            return
        self._is_at_end = True

    def _look_up_many(self, size: int) -> None:
        assert self._keyed is not None
        tasks: list[_Keyed] = []
        try:
            for task in islice(self._keyed, size):
                tasks.append(task)  # noqa: PERF402  those before an error count
        except Exception as error:
            if not tasks:
                raise
            self._keyed = raising(error)
        self._is_at_end = not tasks
        results: dict[int, object] = {}
        for finder in {finder for finder, _, _ in tasks if finder is not None}:
            numbers = [number for number, task in enumerate(tasks) if task[0] is finder]
            found = _find(finder, [tasks[number][1] for number in numbers])
            results.update(zip(numbers, found, strict=True))
        for number, (_, _, prepared) in enumerate(tasks):
            self._note(results.get(number, NOT_FOUND), prepared)

    def _note(self, result: object, prepared: Any) -> None:
        if result is NOT_FOUND:
            self._looked_up.append((False, prepared, self._preparing.nbytes_of(prepared)))
        else:
            self._looked_up.append((True, result, _memory_of(result)))

    def _with_key(self, task: Task) -> _Keyed:
        self._n_taken += 1
        return *self._key_of(task), self._prepare(task)

    def _prepare(self, task: Task) -> Any:
        return self._preparing.prepare(task, self._n_taken - 1)

    def _key_of(self, task: Task) -> tuple[Finder | None, str]:
        """Return what finds the result of a task, and its key; None where nothing can.

        Whatever is raised, the task will raise too, in its place, when it is run.
        """
        try:
            function, args, kwargs = task
            finder = self._finder_of(function)
            if finder is None:
                return None, ""
            if known_objects.has_handles:
                from ..tasks.shared_objects import unwrap  # loaded already, where there is a handle

                args, kwargs = unwrap(args, kwargs)
            return finder, finder.key(args, kwargs)
        except Exception:  # noqa: BLE001  hashing runs code of the user's classes
            return None, ""

    def _finder_of(self, function: object) -> Finder | None:
        known = self._finders.get(id(function))
        if known is None:
            if len(self._finders) >= self.REMEMBERED:
                self._finders.clear()  # methods are made anew for each task
            finder = finder_of_task(function, counts_misses=self._counts_misses)
            known = self._finders[id(function)] = function, finder
        return known[1]


def _find(finder: Finder, keys: Sequence[str]) -> Sequence[object]:
    try:
        return finder.find(keys)
    except Exception:  # noqa: BLE001  a validation is the user's, and is asked again in the task
        return [NOT_FOUND] * len(keys)


def _memory_of(result: object) -> int:
    """Return how many bytes a result takes, about: an array that was loaded is a view of others."""
    try:
        nbytes = getattr(result, "nbytes", 0)
    except Exception:  # noqa: BLE001  a property of the user's may raise anything
        nbytes = 0
    return max(getsizeof(result, 0), nbytes if isinstance(nbytes, int) else 0)
