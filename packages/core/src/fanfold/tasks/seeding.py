"""Streams of random numbers: each task has its own, whatever runs it, and with which others.

A call has a seed: a number, and the path by which it was derived from that number. The task with
index i adds i to the path, so its stream is that of the i-th child that numpy's ``SeedSequence``
would spawn. Nothing travels with a task: where it runs, its index is known.
"""

from __future__ import annotations

from itertools import count

from .._nesting import seed_scope
from ..errors import InvalidArgumentError, MissingExtraError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from typing import Any, TypeAlias

    import numpy

    Seed: TypeAlias = tuple[int, tuple[int, ...]]
    """A number, and the path of children by which a seed was derived from it."""

__all__ = ["SeedScope", "seeded", "task_random", "task_rng"]


class SeedScope:
    """Where calls that are given no seed take theirs from, each the next one.

    Parameters
    ----------
    seed : tuple
        The seed whose children the calls get.
    """

    def __init__(self, seed: Seed) -> None:
        self.seed = seed
        self._calls = count()

    def next_call(self) -> Seed:
        """Return the seed of one more call."""
        return child(self.seed, next(self._calls))

    def rng(self) -> numpy.random.Generator:
        """Refuse: there is no task."""
        raise _not_in_task("task_rng")

    def random(self) -> random.Random:
        """Refuse: there is no task."""
        raise _not_in_task("task_random")


class _TaskScope(SeedScope):
    """The randomness of one task."""

    def __init__(self, seed: Seed) -> None:
        super().__init__(seed)
        self._rng: numpy.random.Generator | None = None
        self._random: random.Random | None = None

    def rng(self) -> numpy.random.Generator:
        if self._rng is None:
            try:
                from numpy.random import SeedSequence, default_rng
            except ImportError as error:
                raise MissingExtraError(
                    "task_rng() makes a generator of numpy, which is not installed: install numpy, "
                    "or use task_random()"
                ) from error
            entropy, path = self.seed
            self._rng = default_rng(SeedSequence(entropy, spawn_key=path))
        return self._rng

    def random(self) -> random.Random:
        if self._random is None:
            from random import Random

            self._random = Random(_text(self.seed, "task"))
        return self._random


def child(seed: Seed, number: int) -> Seed:
    """Return the seed that is derived from another by a number."""
    entropy, path = seed
    return entropy, (*path, number)


def seeded(function: Callable[..., object], seed: Seed, index: int) -> Callable[..., object]:
    """Return a function that runs another as the task with this index.

    Parameters
    ----------
    function : callable
        What the task calls.
    seed : tuple
        The seed of the call.
    index : int
        The number of the task in its call.
    """
    own = child(seed, index)

    def run(*args: Any, **kwargs: Any) -> object:
        token = seed_scope.set(_TaskScope(own))
        put_back = _seed_global_generators(own) if _is_main_thread() else None
        try:
            return function(*args, **kwargs)
        finally:
            if put_back is not None:
                put_back()
            seed_scope.reset(token)

    return run


def task_rng() -> numpy.random.Generator:
    """Return the numpy generator of the task that runs.

    It guarantees: the numbers depend on ``seed=`` and on the task's index in its call alone, not on
    the backend, the number of workers, the batches or on what was retried. They are those of
    ``numpy.random.default_rng(numpy.random.SeedSequence(seed).spawn(n_tasks)[index])``. Within a
    task it is one generator: a second call goes on where the first has stopped.

    Returns
    -------
    numpy.random.Generator
        The generator.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        Outside of a task that has a seed.
    fanfold.errors.MissingExtraError
        If numpy is not installed.

    Examples
    --------
    >>> from fanfold import Parallel, delayed, task_rng
    >>> def roll(n):
    ...     return task_rng().integers(1, 7, size=n).tolist()
    >>> first = Parallel(n_jobs=2, seed=42)(delayed(roll)(3) for _ in range(4))
    >>> first == Parallel(n_jobs=1, seed=42)(delayed(roll)(3) for _ in range(4))
    True
    """
    return _scope("task_rng").rng()


def task_random() -> random.Random:
    """Return the ``random.Random`` of the task that runs.

    As :func:`task_rng`, for code that does without numpy. Its numbers are not those of `task_rng`.

    Returns
    -------
    random.Random
        The generator.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        Outside of a task that has a seed.

    Examples
    --------
    >>> from fanfold import Parallel, delayed, task_random
    >>> def pick(choices):
    ...     return task_random().choice(choices)
    >>> first = Parallel(n_jobs=2, seed=42)(delayed(pick)("abc") for _ in range(4))
    >>> first == Parallel(n_jobs=1, seed=42)(delayed(pick)("abc") for _ in range(4))
    True
    """
    return _scope("task_random").random()


def _scope(name: str) -> SeedScope:
    scope = seed_scope.get()
    if scope is None:
        raise _not_in_task(name)
    return scope


def _not_in_task(name: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"{name}() was called outside of a task that has a seed: call it in a function that runs "
        "through Parallel(seed=…), in the thread that runs the task"
    )


def _seed_global_generators(seed: Seed) -> Callable[[], object]:
    """Seed what `random` and numpy share in this process, and return what puts it back.

    Also where the task itself would be the first to import them: else its numbers would depend on
    what its worker ran before.
    """
    import random

    before = random.getstate()
    random.seed(_text(seed, "global"))
    try:
        import numpy.random as numpy_random
    except ImportError:  # there is no numpy, and so no generator to seed
        return lambda: random.setstate(before)
    numpy_before = numpy_random.get_state(legacy=False)
    entropy, path = seed
    words = numpy_random.SeedSequence(entropy, spawn_key=path).generate_state(4)
    numpy_random.seed(words)

    def put_back() -> None:
        random.setstate(before)
        numpy_random.set_state(numpy_before)

    return put_back


def _is_main_thread() -> bool:
    """Tell whether the generators of the process are this task's while it runs.

    Other threads may run other tasks, or whatever an engine does beside them.
    """
    import threading

    return threading.current_thread() is threading.main_thread()


def _text(seed: Seed, purpose: str) -> str:
    """Return what `random` is seeded with: it hashes texts, so that near seeds are far apart."""
    entropy, path = seed
    return f"fanfold {purpose} {entropy} {path}"
