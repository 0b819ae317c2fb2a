"""The keys of calls, and those that need not be made twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import hashing

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from ..hashing import CallSignature, Fingerprint, Fingerprinter

_NEVER_CHANGE = frozenset({type(None), bool, int, float, str})
_LONGEST_TEXT = 100
_MOST = 1000


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
    """

    __slots__ = ("_fingerprinter", "_is_steady", "_prefix", "_remembered", "_signature")

    def __init__(self, prefix: str, signature: CallSignature, fingerprinter: Fingerprinter) -> None:
        self._prefix = prefix
        self._signature = signature
        self._fingerprinter = fingerprinter
        # An instance, or a default such as a list, may change between two equal calls.
        self._is_steady = signature.implied_kinds <= _NEVER_CHANGE
        # One pair, replaced as a whole: many threads may ask.
        self._remembered: tuple[Fingerprint | None, dict[Hashable, str]] = None, {}

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
        arguments = hashing.hash(self._signature.bind(args, kwargs))
        return f"{self._prefix}{fingerprint.digest}/{arguments}"


def _are_short(values: tuple[Any, ...]) -> bool:
    for value in values:  # noqa: SIM110  a generator takes 0.3 µs to begin
        if type(value) is str and len(value) > _LONGEST_TEXT:
            return False
    return True
