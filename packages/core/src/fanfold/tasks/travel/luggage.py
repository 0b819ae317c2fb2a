"""What the tasks of a call take along beside their arguments.

It imports what it needs when it needs it: every worker that has any luggage waits for this.
"""

from __future__ import annotations

from .holding import holding
from .origin import origin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .log_levels import PackedLevels
    from .variables import PackedVariable

__all__ = ["Luggage"]


class Luggage:
    """What the tasks of a call take along to a worker.

    Parameters
    ----------
    origin : str
        The process that packed it.
    variables : tuple
        Values of context variables.
    filters : bytes or None
        Filters of warnings; None leaves them as they are.
    levels : tuple or None
        Levels of loggers; None leaves them as they are.
    initializer : bytes or None
        What each worker runs first.
    """

    __slots__ = ("_filters", "_initializer", "_levels", "_origin", "variables")

    def __init__(
        self,
        origin: str,
        variables: tuple[PackedVariable, ...],
        filters: bytes | None,
        levels: PackedLevels | None,
        initializer: bytes | None,
    ) -> None:
        self._origin = origin
        self.variables = variables
        self._filters = filters
        self._levels = levels
        self._initializer = initializer

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as little as can be."""
        contents = self.variables, self._filters, self._levels, self._initializer
        return Luggage, (self._origin, *contents)

    def unpack_in_process(self) -> None:
        """Bring about what holds in the whole process, and run the initializer.

        Raises
        ------
        fanfold.errors.InitializerError
            If it fails.
        """
        # Some engines can run tasks in threads of the caller's own process.
        if self._origin != origin.token:
            holding.have(self._filters, self._levels)
        if self._initializer is not None:
            from .initializers import initialize_process

            initialize_process(self._initializer)

    def unpack_in_context(self) -> None:
        """Bring about what holds in the context of the tasks."""
        from .variables import unpack_variables

        unpack_variables(self.variables)
