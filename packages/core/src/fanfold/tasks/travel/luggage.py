"""What the tasks of a call take along beside their arguments."""

from __future__ import annotations

from .filters import pack_filters
from .log_levels import pack_levels
from .variables import origin, pack_variables, unpack_variables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .filters import PackedFilters
    from .initializers import Initializer
    from .log_levels import PackedLevels
    from .variables import PackedVariable

__all__ = ["Luggage", "pack_luggage"]


class Luggage:
    """What the tasks of a call take along to a worker.

    Parameters
    ----------
    origin : str
        The process that packed it.
    variables : tuple
        Values of context variables.
    filters : tuple or None
        Filters of warnings; None leaves them as they are.
    levels : tuple or None
        Levels of loggers; None leaves them as they are.
    initializer : bytes or None
        What each worker runs first.
    """

    __slots__ = ("_filters", "_initializer", "_levels", "_origin", "_variables")

    def __init__(
        self,
        origin: str,
        variables: tuple[PackedVariable, ...],
        filters: PackedFilters | None,
        levels: PackedLevels | None,
        initializer: bytes | None,
    ) -> None:
        self._origin = origin
        self._variables = variables
        self._filters = filters
        self._levels = levels
        self._initializer = initializer

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as little as can be."""
        contents = self._variables, self._filters, self._levels, self._initializer
        return Luggage, (self._origin, *contents)

    def unpack_in_process(self) -> None:
        """Bring about what holds in the whole process, and run the initializer.

        Raises
        ------
        fanfold.errors.InitializerError
            If it fails.
        """
        # Some engines can run tasks in threads of the caller's own process.
        if self._origin != origin():
            from .holding import holding

            holding.have(self._filters, self._levels)
        if self._initializer is not None:
            from .initializers import initialize_process

            initialize_process(self._initializer)

    def unpack_in_context(self) -> None:
        """Bring about what holds in the context of the tasks."""
        unpack_variables(self._variables)


def pack_luggage(initializer: Initializer | None = None) -> Luggage | None:
    """Return what tasks take along from here and now; None if that is nothing.

    Raises
    ------
    fanfold.errors.UnpicklableTaskError
        If the initializer cannot be sent.
    """
    variables = pack_variables()
    filters = pack_filters()
    levels = pack_levels()
    encoded = None if initializer is None else initializer.encode()
    if not variables and filters is levels is encoded is None:
        return None
    return Luggage(origin(), variables, filters, levels, encoded)
