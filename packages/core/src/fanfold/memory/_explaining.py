"""``explain``: whether a call would find its result, and if not, what has changed."""

from __future__ import annotations

from heapq import nlargest
from typing import TYPE_CHECKING, Any

from ..contracts._value import Value
from ..errors import BadSignatureError, CorruptFileError
from ._key import is_entry_key
from ._looking import CacheEntry, look_at
from ._showing import html_table, readable_seconds, readable_time
from ._summary import brief

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ..contracts.store import StoreEntry
    from ._entries import Entries

_MOST_COMPARED = 200  # reading the beginning of an entry takes some 30 µs
_ELSEWHERE = "something that neither a summary nor a hash in the entry tells"


class Change(Value):
    """Something in which a call differs from one whose result is in the cache.

    Attributes
    ----------
    what : str
        What it is to the function: ``"argument x"``, ``"code"``, ``"default x"``, ``"closure k"``,
        ``"global helper"``, ``"version"`` ...
    before, now : str or None
        What it was and what it is, shortened, or the beginning of its hash; None where it was not
        there, or is not any more.
    """

    __slots__ = ("what", "before", "now")  # noqa: RUF023  as they read best

    what: str
    before: str | None
    now: str | None

    def __init__(self, what: str, before: str | None, now: str | None) -> None:
        self._hold(what=what, before=before, now=now)

    def __str__(self) -> str:
        """Return it as a sentence."""
        if self.before is None:
            return f"{self.what} is new" + ("" if self.now is None else f": {self.now}")
        if self.now is None:
            return f"{self.what} is gone: it was {self.before}"
        return f"{self.what} was {self.before} and is {self.now}"


class Explanation(Value):
    """Whether a call would find its result, and why not; see :meth:`MemorizedFunc.explain`.

    Attributes
    ----------
    call : str
        The call, shortened.
    key : str
        The key of its result.
    is_hit : bool
        Whether it would be found.
    reason : str
        Why, in a few words.
    nearest : CacheEntry or None
        Where there is no such result, that of the call that differs least from this one.
    changes : tuple of Change
        In what this call differs from that one.
    """

    __slots__ = ("call", "key", "is_hit", "reason", "nearest", "changes")  # noqa: RUF023  as they read best

    call: str
    key: str
    is_hit: bool
    reason: str
    nearest: CacheEntry | None
    changes: tuple[Change, ...]

    def __init__(
        self,
        call: str,
        key: str,
        is_hit: bool,
        reason: str,
        nearest: CacheEntry | None = None,
        changes: tuple[Change, ...] = (),
    ) -> None:
        self._hold(
            call=call, key=key, is_hit=is_hit, reason=reason, nearest=nearest, changes=changes
        )

    def rows(self) -> Iterator[tuple[str, str]]:
        """Iterate over what there is to tell, each with its name, for people."""
        yield "call", self.call
        yield ("hit" if self.is_hit else "miss"), self.reason
        yield "key", self.key
        if self.nearest is not None:
            yield "nearest", self.nearest.call
            yield "created", readable_time(self.nearest.created)
        for change in self.changes:
            yield "changed", str(change)

    def __repr__(self) -> str:
        return "\n".join(f"{name:8} {text}" for name, text in self.rows())

    def _repr_html_(self) -> str:
        return html_table((), self.rows())


class Subject:
    """A call that is to be explained, as it would be kept.

    Parameters
    ----------
    function : str
        The function's name, with its module.
    key : str
        The key of its result.
    arguments : mapping
        A short text for each argument.
    origin : mapping
        What :meth:`CallKeys.origin` says of the key.
    atomic_parts : mapping
        Those parts of the function that are numbers or short text.
    """

    def __init__(
        self,
        function: str,
        key: str,
        arguments: Mapping[str, str],
        origin: Mapping[str, Mapping[str, str]],
        atomic_parts: Mapping[str, object],
    ) -> None:
        self.function = function
        self.key = key
        self.arguments = arguments
        self.parts = origin["parts"]
        self.hashes = origin.get("args", {})
        self._atomic_parts = atomic_parts

    @property
    def call(self) -> str:
        """The call as one would type it."""
        arguments = ", ".join(f"{name}={text}" for name, text in self.arguments.items())
        return f"{self.function}({arguments})"

    def changes_from(self, key: str, metadata: Mapping[str, Any]) -> tuple[Change, ...]:
        """Return in what the call differs from one whose result was kept."""
        _, _, version, arguments = self.key.split("/")
        _, _, other_version, other_arguments = key.split("/")
        origin = metadata.get("origin", {})
        changes: list[Change] = []
        if version != other_version:
            changes += self._changed_parts(origin.get("parts", {}))
        if arguments != other_arguments:
            changes += self._changed_arguments(metadata["input_args"], origin.get("args", {}))
        return tuple(changes)

    def _changed_parts(self, before: Mapping[str, str]) -> list[Change]:
        changes = []
        for name in sorted(before.keys() | self.parts.keys()):
            was, now = before.get(name), self.parts.get(name)
            if was != now:
                if name in self._atomic_parts:
                    now = brief(self._atomic_parts[name])
                changes.append(Change(name, was, now))
        return changes or [Change("the function", _ELSEWHERE, None)]

    def _changed_arguments(
        self, texts: Mapping[str, str], hashes: Mapping[str, str]
    ) -> list[Change]:
        changes = []
        for name in dict.fromkeys((*self.arguments, *texts)):
            was, now = texts.get(name), self.arguments.get(name)
            digest_was, digest_now = hashes.get(name), self.hashes.get(name)
            if was != now:
                changes.append(Change(f"argument {name}", was, now))
            elif digest_was != digest_now:
                changes.append(
                    Change(f"argument {name}", f"{was} [{digest_was}]", f"{now} [{digest_now}]")
                )
        return changes or [Change("an argument", _ELSEWHERE, None)]


def explain(
    entries: Entries, subject: Subject, is_good: Callable[[Mapping[str, Any]], bool]
) -> Explanation:
    """Return whether a call would find its result, and what has changed if it would not.

    Parameters
    ----------
    entries : Entries
        Where results are.
    subject : Subject
        The call.
    is_good : callable
        Tells from the metadata of a result whether it may be used.

    Raises
    ------
    fanfold.errors.StoreError
        If the store cannot be read.
    """
    call, key = subject.call, subject.key
    try:
        metadata = entries.read_metadata(key)
    except (BadSignatureError, CorruptFileError) as error:
        return Explanation(call, key, False, f"there is a result, which is not used: {error}")
    if metadata is not None:
        when = f"computed on {readable_time(metadata['time'])}"
        if entries.is_expired(metadata["time"]):
            return Explanation(call, key, False, f"there is a result, {when}: its ttl is over")
        if not is_good(metadata):
            return Explanation(
                call, key, False, f"there is a result, {when}: cache_validation_callback refuses it"
            )
        took = readable_seconds(metadata["duration"])
        return Explanation(call, key, True, f"there is a result, {when}, which took {took}")
    nearest, changes = _nearest(entries, subject)
    if nearest is None:
        return Explanation(call, key, False, "there is no result of this function to compare with")
    return Explanation(call, key, False, "there is no such result", nearest, changes)


def _nearest(entries: Entries, subject: Subject) -> tuple[CacheEntry | None, tuple[Change, ...]]:
    """Return the result of the function that differs least, and in what."""
    root, name, version, arguments = subject.key.split("/")

    def likeness(stored: StoreEntry) -> tuple[bool, bool, float]:
        parts = stored.key.split("/")
        return parts[3] == arguments, parts[2] == version, stored.modified

    listed = (
        stored for stored in entries.store.list(f"{root}/{name}/") if is_entry_key(stored.key)
    )
    best: tuple[StoreEntry, tuple[Change, ...]] | None = None
    for stored in nlargest(_MOST_COMPARED, listed, key=likeness):
        try:
            metadata = entries.read_metadata(stored.key)
        except (BadSignatureError, CorruptFileError):
            continue
        if metadata is None or metadata["function"] != subject.function:
            continue
        changes = subject.changes_from(stored.key, metadata)
        if best is None or len(changes) < len(best[1]):
            best = stored, changes
    return (None, ()) if best is None else (look_at(entries, best[0]), best[1])
