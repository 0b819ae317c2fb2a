"""Packing what the tasks of a call take along, where the call is made.

It imports what there is something to pack of: the first call waits for that.
"""

from __future__ import annotations

import sys
from contextvars import copy_context

from .luggage import Luggage
from .origin import origin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .initializers import Initializer
    from .log_levels import PackedLevels
    from .variables import PackedVariable

__all__ = ["pack_luggage"]


def pack_luggage(initializer: Initializer | None = None) -> Luggage | None:
    """Return what tasks take along from here and now; None if that is nothing.

    Raises
    ------
    fanfold.errors.UnpicklableTaskError
        If the initializer cannot be sent.
    """
    variables: tuple[PackedVariable, ...] = ()
    filters: bytes | None = None
    levels: PackedLevels | None = None
    context = copy_context()
    if len(context):
        from .variables import pack_variables

        variables = pack_variables(context)
    # Who did not import these did not change them either.
    if "warnings" in sys.modules:
        from .filters import pack_filters

        filters = pack_filters()
    if "logging" in sys.modules:
        from .log_levels import pack_levels

        levels = pack_levels()
    if not variables and filters is None and levels is None and initializer is None:
        return None
    encoded = None if initializer is None else initializer.encode()
    return Luggage(origin.token, variables, filters, levels, encoded)
