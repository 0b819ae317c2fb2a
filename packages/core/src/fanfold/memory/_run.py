"""One computation of a result."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Run:
    """A computation, from its beginning.

    Parameters
    ----------
    key : str
        The key of its result.
    function : str
        The function's name, with its module.
    input_args : dict
        A short text for each argument.
    origin : mapping
        What else is to be known of how the key was made.
    """

    __slots__ = ("_began", "_input_args", "_origin", "_started", "function", "key")

    def __init__(
        self, key: str, function: str, input_args: dict[str, str], origin: Mapping[str, Any]
    ) -> None:
        self.key = key
        self.function = function
        self._origin = origin
        self._input_args = input_args
        self._began = time.time()
        self._started = time.perf_counter()

    def metadata(self) -> dict[str, Any]:
        """Return what is to be known of the result, now that it is there."""
        return {
            "function": self.function,
            "duration": time.perf_counter() - self._started,
            "time": self._began,
            "input_args": self._input_args,
            "origin": self._origin,
        }
