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

__all__ = [
    "KeptGenerators",
    "SeedScope",
    "keep_generators",
    "seeded",
    "task_random",
    "task_rng",
]


class SeedScope:
    """Where calls that are given no seed take theirs from, each the next one.

    Parameters
    ----------
    seed : tuple
        The seed whose children the calls get.
    """

    def __init__(self, seed: Seed) -> None:
        self.seed = seed
        self._calls = count()  # each number once, whatever threads ask: without the GIL too

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


def seeded(
    function: Callable[..., object], seed: Seed, index: int, kept: KeptGenerators | None
) -> Callable[..., object]:
    """Return a function that runs another as the task with this index.

    Parameters
    ----------
    function : callable
        What the task calls.
    seed : tuple
        The seed of the call.
    index : int
        The number of the task in its call.
    kept : KeptGenerators or None
        The generators to seed, which somebody else puts back; None puts them back after the task.
    """
    own = child(seed, index)

    def run(*args: Any, **kwargs: Any) -> object:
        generators = kept or keep_generators()
        if generators is not None:
            generators.seed(own)
        token = seed_scope.set(_TaskScope(own))
        try:
            return function(*args, **kwargs)
        finally:
            seed_scope.reset(token)
            if generators is not None and kept is None:
                generators.put_back()

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


class KeptGenerators:
    """The generators that all code of a process shares, `random` and numpy's, as they were.

    They are imported, because a task that is the first to do so would draw what depends on what its
    worker ran before. numpy takes a tenth of a millisecond to tell its state and to take it back.
    """

    def __init__(self) -> None:
        import random

        self._random = random
        self._random_before = random.getstate()
        self._numpy: Any = None
        try:
            import numpy.random as numpy_random
        except ImportError:  # there is no numpy, and so no generator to seed
            return
        self._numpy = numpy_random
        self._numpy_before = numpy_random.get_state(legacy=False)

    def seed(self, seed: Seed) -> None:
        """Seed them for a task."""
        self._random.seed(_text(seed, "global"))
        if self._numpy is not None:
            entropy, path = seed
            words = self._numpy.SeedSequence(entropy, spawn_key=path).generate_state(4)
            self._numpy.seed(words)

    def put_back(self) -> None:
        """Have them go on as if nothing had been."""
        self._random.setstate(self._random_before)
        if self._numpy is not None:
            self._numpy.set_state(self._numpy_before)


def keep_generators() -> KeptGenerators | None:
    """Return the generators of the process, if they are this thread's while it runs tasks."""
    return KeptGenerators() if _is_main_thread() else None


def _is_main_thread() -> bool:
    """Tell whether no other thread is likely to run tasks at the same time.

    Engines run several at once on threads that they start themselves.
    """
    import threading

    return threading.current_thread() is threading.main_thread()


def _text(seed: Seed, purpose: str) -> str:
    """Return what `random` is seeded with: it hashes texts, so that near seeds are far apart."""
    entropy, path = seed
    return f"fanfold {purpose} {entropy} {path}"
