"""Packing what the tasks of a call take along, where the call is made."""

from __future__ import annotations

from .filters import pack_filters
from .log_levels import pack_levels
from .luggage import Luggage
from .origin import origin
from .variables import pack_variables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .initializers import Initializer

__all__ = ["pack_luggage"]


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
    if not variables and filters is None and levels is None and initializer is None:
        return None
    encoded = None if initializer is None else initializer.encode()
    return Luggage(origin.token, variables, filters, levels, encoded)
