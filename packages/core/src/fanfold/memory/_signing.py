"""Signatures of entries, so that nothing is unpickled that a stranger put into a shared store.

A signed entry is the container, the identifier of the key, an HMAC-SHA256 and a mark. The HMAC is
over the entry's key and the whole container: an entry that is moved to another key is refused too.
The identifier is made from the key, and tells it from others without telling anything of it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..errors import BadSignatureError, InvalidArgumentError, UnpicklableTaskError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..contracts.store import Piece

    KeySource = bytes | str | Callable[[], bytes]
    SigningKey = KeySource | Sequence[KeySource]

_MARK = b"\xfffanSIG\n"
_ID_SIZE = 8
_HMAC_SIZE = 32
SIGNATURE_SIZE = _ID_SIZE + _HMAC_SIZE + len(_MARK)
_SHORTEST_KEY = 16


class Signer:
    """Signs entries with the first of its keys, and knows those that any of them signed.

    Parameters
    ----------
    keys : bytes, str, callable or sequence of these
        Each key itself, the name of an environment variable that holds it, or what returns it.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If there is no key, or one is none of these, or has less than 16 bytes.
    """

    def __init__(self, keys: SigningKey) -> None:
        sources = keys if isinstance(keys, (list, tuple)) else (keys,)
        if not sources:
            raise InvalidArgumentError(
                "signing_key is empty: expected a key, or several of which the first signs"
            )
        self._sources = tuple(sources)
        secrets = [_secret(source) for source in sources]
        self._keys = {_identifier(secret): secret for secret in secrets}
        self._id = _identifier(secrets[0])

    def __reduce__(self) -> tuple[type[Signer], tuple[object]]:
        if any(isinstance(source, bytes) for source in self._sources):
            raise UnpicklableTaskError(
                "a cache whose signing_key was given as bytes is not pickled, because the key "
                "would be wherever the pickle goes: give the name of an environment variable that "
                "holds it, or a function that returns it"
            )
        return type(self), (self._sources,)

    def sign(self, key: str, pieces: Iterable[Piece]) -> bytes:
        """Return what to put behind the pieces of a container that becomes the entry `key`."""
        return self._id + _digest(self._keys[self._id], key, pieces) + _MARK

    def check(self, key: str, data: bytes) -> None:
        """Let an entry pass that one of the keys signed for its place.

        Raises
        ------
        fanfold.errors.BadSignatureError
            If it is any other.
        """
        from hmac import compare_digest

        if not is_signed(data):
            raise BadSignatureError(f"the entry {key!r} is not signed")
        identifier = data[-SIGNATURE_SIZE:][:_ID_SIZE]
        secret = self._keys.get(identifier)
        if secret is None:
            raise BadSignatureError(
                f"the entry {key!r} is signed by the key {identifier.hex()}, which is not among "
                f"{', '.join(sorted(known.hex() for known in self._keys))}: give it as a further "
                "signing_key if you trust it"
            )
        found = data[-SIGNATURE_SIZE + _ID_SIZE : -len(_MARK)]
        if not compare_digest(found, _digest(secret, key, [memoryview(data)[:-SIGNATURE_SIZE]])):
            raise BadSignatureError(
                f"the signature of the entry {key!r} is wrong: the entry was changed, damaged, or "
                "moved here from another place"
            )


def is_signed(data: bytes) -> bool:
    """Return whether an entry ends with a signature, whoever made it."""
    return data.endswith(_MARK) and len(data) > SIGNATURE_SIZE


def without_signature(data: bytes) -> Piece:
    """Return the container of an entry, signed or not."""
    return memoryview(data)[:-SIGNATURE_SIZE] if is_signed(data) else data


def _secret(source: KeySource) -> bytes:
    found = source() if callable(source) else source
    if isinstance(found, str):
        name = found
        found = os.environ.get(name, "").encode()
        if not found:
            raise InvalidArgumentError(
                f"signing_key={name!r} is taken as the name of an environment variable, but that "
                "is not set; set it, or give the key itself as bytes"
            )
    if not isinstance(found, bytes) or len(found) < _SHORTEST_KEY:
        raise InvalidArgumentError(
            f"a signing_key gave {type(found).__name__} of length "
            f"{len(found) if isinstance(found, bytes) else 'unknown'}: expected at least "
            f"{_SHORTEST_KEY} bytes, such as secrets.token_bytes(32)"
        )
    return found


def _identifier(secret: bytes) -> bytes:
    from hmac import digest

    return digest(secret, b"fanfold key identifier", "sha256")[:_ID_SIZE]


def _digest(secret: bytes, key: str, pieces: Iterable[Piece]) -> bytes:
    import hmac

    name = key.encode()
    made = hmac.new(secret, len(name).to_bytes(4, "little") + name, "sha256")
    for piece in pieces:
        made.update(piece)
    return made.digest()
