"""The keys of calls: those that need not be made twice, and what each was made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import hashing

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

    from ..hashing import CallSignature, Fingerprint, Fingerprinter

_NEVER_CHANGE = frozenset({type(None), bool, int, float, str})
_LONGEST_TEXT = 100
_MOST = 1000
_MOST_RECENT = 64
_DIGITS = 8
_LONGEST_NUMBER = 30
_LONGEST_ORIGIN = 1500  # with the summary of the arguments, it fits into an entry's header


class CallKeys:
    """Makes the keys of the results of one function, and remembers some.

    Binding and hashing two numbers takes 5 µs, half of what finding their result in the process
    takes. So the keys of calls are remembered whose arguments are few and small and cannot change:
    up to a thousand, for as long as the function has one fingerprint.

    Parameters
    ----------
    prefix : str
        What all keys of the function start with.
    signature : CallSignature
        Its parameters.
    fingerprinter : Fingerprinter
        Its fingerprint.
    atomic_parts : callable
        Returns the parts of the function that are numbers or short text.
    """

    __slots__ = (
        "_atomic_parts",
        "_fingerprinter",
        "_is_steady",
        "_parts",
        "_prefix",
        "_recent",
        "_remembered",
        "_signature",
    )

    def __init__(
        self,
        prefix: str,
        signature: CallSignature,
        fingerprinter: Fingerprinter,
        atomic_parts: Callable[[], Mapping[str, object]],
    ) -> None:
        self._prefix = prefix
        self._signature = signature
        self._fingerprinter = fingerprinter
        self._atomic_parts = atomic_parts
        # An instance, or a default such as a list, may change between two equal calls.
        self._is_steady = signature.implied_kinds <= _NEVER_CHANGE
        # One pair, replaced as a whole: many threads may ask.
        self._remembered: tuple[Fingerprint | None, dict[Hashable, str]] = None, {}
        self._parts: tuple[Fingerprint | None, dict[str, str]] = None, {}
        self._recent: dict[str, dict[str, str]] = {}

    def key(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
        """Return the key of a call.

        Raises
        ------
        fanfold.errors.InvalidArgumentError
            If the function cannot be called with these arguments.
        fanfold.errors.UnhashableValueError
            If an argument has no value to hash.
        """
        fingerprint = self._fingerprinter.current()
        values = (*args, *kwargs.values()) if kwargs else args
        kinds = tuple(map(type, values))
        if not self._is_steady or not _NEVER_CHANGE.issuperset(kinds):
            return self._make(fingerprint, args, kwargs)
        if (str in kinds and not _are_short(values)) or (float in kinds and 0.0 in values):
            return self._make(fingerprint, args, kwargs)  # 0.0 equals -0.0
        known, keys = self._remembered
        if known is not fingerprint or len(keys) > _MOST:
            keys = {}
            self._remembered = fingerprint, keys
        call = (values, kinds, tuple(kwargs)) if kwargs else (values, kinds)
        key = keys.get(call)
        if key is None:
            key = keys[call] = self._make(fingerprint, args, kwargs)
        return key

    def _make(
        self, fingerprint: Fingerprint, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> str:
        arguments, hashes = hashing.hash_members(self._signature.bind(args, kwargs))
        key = f"{self._prefix}{fingerprint.digest}/{arguments}"
        if hashes:
            if len(self._recent) >= _MOST_RECENT:
                self._recent.clear()
            self._recent[key] = hashes
        return key

    def origin(self, key: str) -> dict[str, dict[str, str]]:
        """Return what a key was made of, in a few letters each.

        Returns
        -------
        dict
            ``"parts"``, of the function: its numbers as they are, of all else the beginnings of
            their hashes, because text may be a secret. ``"args"``, the same of those arguments that
            are neither numbers nor short texts, if the key was made a short while ago.
        """
        fingerprint, parts = self._parts
        current = self._fingerprinter.current()
        if fingerprint is not current:
            parts = _shortened(current.parts, _LONGEST_ORIGIN)
            parts |= {name: text for name, text in self._numbers() if name in parts}
            self._parts = current, parts
        hashes = self._recent.pop(key, None)
        if hashes is None:
            return {"parts": parts}
        return {"parts": parts, "args": _shortened(hashes, _LONGEST_ORIGIN)}

    def _numbers(self) -> Iterator[tuple[str, str]]:
        """Iterate over the parts of the function that are numbers of no more than some digits."""
        for name, value in self._atomic_parts().items():
            text = "" if isinstance(value, (str, bytes)) else repr(value)
            if 0 < len(text) < _LONGEST_NUMBER:
                yield name, text


def _are_short(values: tuple[Any, ...]) -> bool:
    for value in values:  # noqa: SIM110  a generator takes 0.3 µs to begin
        if type(value) is str and len(value) > _LONGEST_TEXT:
            return False
    return True


def _shortened(hashes: Mapping[str, str], room: int) -> dict[str, str]:
    """Return the beginnings of hashes, but of very many only the first."""
    shortened = {}
    for name, digest in hashes.items():
        room -= len(name.encode("ascii", "backslashreplace")) + _DIGITS
        if room < 0:
            break
        shortened[name] = digest[:_DIGITS]
    return shortened
