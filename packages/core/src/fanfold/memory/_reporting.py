"""What a cache tells: lines on the standard output, warnings, and events for observers."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING

from ..errors import FanfoldWarning
from ..plugins import hooks
from ._summary import summarize_call

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

_PACKAGE = __name__.rpartition(".")[0]
_TELLS_HITS = 2
_TELLS_KEYS = 11


class Warner:
    """Gives warnings, each once for what it is about; one belongs to each :class:`Memory`."""

    def __init__(self) -> None:
        self._topics: set[str] = set()

    def warn(self, topic: str, message: str) -> None:
        """Warn unless this was done before about the same topic.

        The warning points at the user's line, not at one of this package.
        """
        if topic in self._topics:
            return
        self._topics.add(topic)
        frame: FrameType | None = sys._getframe(1)
        level = 2
        while frame is not None and frame.f_globals.get("__name__", "").startswith(_PACKAGE):
            frame = frame.f_back
            level += 1
        warnings.warn(message, FanfoldWarning, stacklevel=level)


class Reporter:
    """Tells what happens to the results of one cached function.

    Parameters
    ----------
    name : str
        The function's qualified name, for observers.
    full_name : str
        The same with its module, for people.
    location : str
        Where the results are.
    verbose : int
        0 prints nothing, 1 what is computed, 2 also what is found, 11 also under which key.
    warner : Warner
        Gives the warnings.
    """

    __slots__ = ("_full_name", "_location", "_name", "_verbose", "_warner")

    def __init__(
        self, name: str, full_name: str, location: str, verbose: int, warner: Warner
    ) -> None:
        self._name = name
        self._full_name = full_name
        self._location = location
        self._verbose = verbose
        self._warner = warner

    def hit(self, key: str) -> None:
        """Tell that a result was found."""
        if hooks.active() is not None:
            self._tell("hit", key)
        if self._verbose >= _TELLS_HITS:
            say(f"Loaded a result of {self._full_name}{self._place(key)}")

    def miss(self, key: str) -> None:
        """Tell that no result was found."""
        self._tell("miss", key)

    def calling(self, key: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        """Tell that the function is about to run."""
        if self._verbose:
            call = summarize_call(self._full_name, args, kwargs)
            say(f"Calling {call}{self._place(key)}...")

    def returned(self, seconds: float) -> None:
        """Tell that the function has run."""
        if self._verbose:
            say(f"{self._full_name} took {seconds:.2f} s")

    def stored(self, key: str, nbytes: int, seconds: float) -> None:
        """Tell that a result was put into the store."""
        self._tell("stored", key, nbytes=nbytes, seconds=seconds)

    def not_stored(self, key: str, error: Exception) -> None:
        """Tell that the store could not take a result."""
        self._tell("not_stored", key, error=error)
        self._warner.warn("put", f"results are computed but not kept: {error}")

    def not_storable(self, key: str, error: Exception) -> None:
        """Tell that a result cannot be pickled."""
        self._tell("not_stored", key, error=error)
        self._warner.warn(
            f"pickle {self._full_name}",
            f"{self._full_name} is computed at each call, because what it returns cannot be "
            f"pickled: {error}",
        )

    def not_claimed(self, error: Exception) -> None:
        """Tell that others cannot know that a result is being computed."""
        self._warner.warn("claim", f"a result may be computed several times at once: {error}")

    def unreadable(self, error: Exception) -> None:
        """Tell that the store cannot be read."""
        self._warner.warn("get", f"results are computed even if they are there: {error}")

    def damaged(self, key: str, error: Exception) -> None:
        """Tell that an entry is not what was put there, or cannot be unpickled any more."""
        self._tell("damaged", key, error=error)
        self._warner.warn(
            f"damaged {key}",
            f"a result of {self._full_name} is computed again, because its entry "
            f"{key} in {self._location} cannot be read: {type(error).__name__}: {error}",
        )

    def refused(self, key: str, error: Exception) -> None:
        """Tell that an entry is not signed as it should be."""
        self._tell("refused", key, error=error)
        self._warner.warn(
            "refused", f"results in {self._location} are not used but computed again: {error}"
        )

    def not_removed(self, error: Exception) -> None:
        """Tell that a result that expired is still in the store."""
        self._warner.warn("delete", f"results that expired are not removed: {error}")

    def clearing(self) -> None:
        """Tell that all results of the function are about to be removed."""
        if self._verbose:
            say(f"Clearing the results of {self._full_name} in {self._location}")

    def _place(self, key: str) -> str:
        return f" [{key} in {self._location}]" if self._verbose >= _TELLS_KEYS else ""

    def _tell(self, event: str, key: str, **details: object) -> None:
        tell(event, self._name, key, **details)


def say(line: str) -> None:
    """Print a line for the user."""
    sys.stdout.write(f"[Memory] {line}\n")


def tell(event: str, function: str, key: str, **details: object) -> None:
    """Tell observers what happened to an entry; next to nothing where nobody observes."""
    relay = hooks.active()
    if relay is not None:
        relay.notify(
            "fanfold_cache_event", event=event, function=function, key=key, details=details
        )
