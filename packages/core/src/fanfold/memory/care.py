"""Looking after a cache from outside of the programs that use it: what ``fanfold cache`` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..contracts._value import Value
from ..errors import CorruptFileError
from ..persistence import verify
from ._eviction import parse_size
from ._key import ROOT, is_entry_key
from ._leftovers import find_leftovers
from ._showing import readable_seconds, readable_size, readable_time, shortened
from ._signing import without_signature

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ._looking import CacheEntry
    from ._memory import Memory

__all__ = [
    "Damage",
    "FunctionUse",
    "find_changes",
    "find_damaged",
    "find_leftovers",
    "find_relatives",
    "is_entry_key",
    "parse_size",
    "readable_seconds",
    "readable_size",
    "readable_time",
    "shortened",
    "sum_up",
]


class FunctionUse(Value):
    """What a cache holds of one function in one version.

    Attributes
    ----------
    function : str
        Its name, with its module.
    version : str
        The fingerprint in its keys.
    entries, bytes : int
        How many results there are, and how many bytes they take.
    seconds : float
        How long computing all of them took.
    used : float
        When the latest of them was used, in seconds since the epoch.
    """

    __slots__ = ("function", "version", "entries", "bytes", "seconds", "used")  # noqa: RUF023  as they read best

    function: str
    version: str
    entries: int
    bytes: int
    seconds: float
    used: float

    def __init__(
        self, function: str, version: str, entries: int, bytes: int, seconds: float, used: float
    ) -> None:
        self._hold(
            function=function,
            version=version,
            entries=entries,
            bytes=bytes,
            seconds=seconds,
            used=used,
        )


class Damage(Value):
    """An entry that is not as it was written.

    Attributes
    ----------
    key : str
        Its key.
    problem : str
        What is wrong with it.
    """

    __slots__ = ("key", "problem")

    key: str
    problem: str

    def __init__(self, key: str, problem: str) -> None:
        self._hold(key=key, problem=problem)


def sum_up(found: Iterable[CacheEntry]) -> list[FunctionUse]:
    """Return what there is of each function and version, those with most bytes first."""
    groups: dict[tuple[str, str], list[CacheEntry]] = {}
    for entry in found:
        groups.setdefault((entry.function, entry.key.split("/")[2]), []).append(entry)
    uses = [
        FunctionUse(
            function,
            version,
            len(group),
            sum(entry.size for entry in group),
            sum(entry.seconds or 0.0 for entry in group),
            max(entry.used for entry in group),
        )
        for (function, version), group in groups.items()
    ]
    return sorted(uses, key=lambda use: use.bytes, reverse=True)


def find_damaged(memory: Memory) -> Iterator[Damage]:
    """Read all entries to their ends and iterate over those that are damaged."""
    store = memory.store_backend
    if store is None:
        return
    for stored in store.list(ROOT):
        data = store.get(stored.key)
        if data is None:
            continue  # removed meanwhile
        try:
            verify(without_signature(data), place=f"the entry {stored.key!r}")
        except CorruptFileError as error:
            yield Damage(stored.key, str(error))


def find_relatives(memory: Memory, key: str) -> list[CacheEntry]:
    """Return the results of the same function for the same arguments, in all of its versions.

    That of `key` is among them if it is there; the one that was used last comes first.
    """
    _, name, _, arguments = key.split("/")
    same = (
        entry
        for entry in memory.entries()
        if entry.key.split("/")[1] == name and entry.key.endswith(f"/{arguments}")
    )
    return sorted(same, key=lambda entry: entry.used, reverse=True)


def find_changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the names of the parts in which two versions of a function differ."""
    return [name for name in before.keys() | now.keys() if before.get(name) != now.get(name)]
