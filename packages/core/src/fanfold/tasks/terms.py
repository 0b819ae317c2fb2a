"""What holds for all tasks of one call, on whatever worker they run.

It is made once for each call and sent once to each worker, by its key, as functions are.
"""

from __future__ import annotations

from contextvars import copy_context

from .._nesting import TOP, nesting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ParamSpec, TypeAlias, TypeVar

    from .travel.luggage import Luggage

    Level: TypeAlias = tuple[int, str | None]
    P = ParamSpec("P")
    R = TypeVar("R")

__all__ = ["Terms"]


class Terms:
    """The terms on which the tasks of a call run.

    Several threads may use one object at once.

    Parameters
    ----------
    level : tuple
        The nesting in which the tasks run.
    luggage : Luggage or None, default=None
        What they take along from where the call was made.
    """

    __slots__ = ("level", "luggage")

    def __init__(self, level: Level = TOP, luggage: Luggage | None = None) -> None:
        self.level = level
        self.luggage = luggage

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as little as can be: the key of short terms is their pickled form."""
        return Terms, (self.level,) if self.luggage is None else (self.level, self.luggage)

    def prepare(self) -> None:
        """Have hold in this process what must, and see to it that it is initialized.

        Raises
        ------
        fanfold.errors.InitializerError
            If it cannot be.
        """
        if self.luggage is not None:
            self.luggage.unpack_in_process()

    def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what `work` returns in a context of its own, in which the terms hold."""
        context = copy_context()
        context.run(nesting.set, self.level)
        if self.luggage is not None:
            context.run(self.luggage.unpack_in_context)
        return context.run(work, *args, **kwargs)
