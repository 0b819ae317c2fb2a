"""What can be told of each result in a cache, without unpickling it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..contracts._value import Value
from ..errors import CorruptFileError
from ._key import ROOT, is_entry_key
from ._showing import html_table, readable_seconds, readable_size, readable_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..contracts.store import StoreEntry
    from ._entries import Entries


class CacheEntry(Value):
    """One result in a cache; see :meth:`Memory.entries`.

    Attributes
    ----------
    key : str
        The key of its entry in the store.
    function : str
        The name of the function, with its module. Of a damaged entry, what the key tells of it.
    arguments : mapping
        A short text for each argument, by its name; empty where the entry is damaged.
    size : int
        How many bytes it takes in the store.
    created : float or None
        When computing it began, in seconds since the epoch; None where the entry is damaged.
    used : float
        When it was last used, or written where the store does not note uses.
    seconds : float or None
        How long computing it took: what each hit saves. None where the entry is damaged.
    parts : mapping
        What the function was made of, by name: numbers as they were, of all else the beginnings of
        hashes. Empty where the entry is damaged.
    """

    __slots__ = ("key", "function", "arguments", "size", "created", "used", "seconds", "parts")  # noqa: RUF023  as they read best

    key: str
    function: str
    arguments: Mapping[str, str]
    size: int
    created: float | None
    used: float
    seconds: float | None
    parts: Mapping[str, str]

    def __init__(
        self,
        key: str,
        function: str,
        arguments: Mapping[str, str],
        size: int,
        created: float | None,
        used: float,
        seconds: float | None,
        parts: Mapping[str, str],
    ) -> None:
        self._hold(
            key=key,
            function=function,
            arguments=arguments,
            size=size,
            created=created,
            used=used,
            seconds=seconds,
            parts=parts,
        )

    @property
    def call(self) -> str:
        """The call as one would type it, shortened, such as ``"module.square(x=3)"``."""
        arguments = ", ".join(f"{name}={text}" for name, text in self.arguments.items())
        return f"{self.function}({arguments})"

    def rows(self) -> Iterator[tuple[str, str]]:
        """Iterate over what there is to tell, each with its name, for people."""
        yield "call", self.call
        yield "key", self.key
        yield "size", readable_size(self.size)
        yield "took", readable_seconds(self.seconds)
        yield "created", readable_time(self.created)
        yield "last used", readable_time(self.used)

    def _repr_html_(self) -> str:
        return html_table((), self.rows())


def look(entries: Entries) -> Iterator[CacheEntry]:
    """Iterate over all results; those that go meanwhile are left out."""
    for stored in entries.store.list(ROOT):
        entry = look_at(entries, stored) if is_entry_key(stored.key) else None
        if entry is not None:
            yield entry


def look_at(entries: Entries, stored: StoreEntry) -> CacheEntry | None:
    """Return what is known of an entry of the store, or None where it is gone."""
    try:
        metadata = entries.read_metadata(stored.key)
    except CorruptFileError:
        name = stored.key.split("/")[1]
        return CacheEntry(stored.key, name, {}, stored.size, None, stored.modified, None, {})
    if metadata is None:
        return None
    return CacheEntry(
        stored.key,
        metadata["function"],
        metadata["input_args"],
        stored.size,
        metadata["time"],
        stored.modified,
        metadata["duration"],
        metadata.get("origin", {}).get("parts", {}),
    )
