"""The hash functions that ``hash_name`` can choose."""

from __future__ import annotations

from functools import lru_cache

import xxhash

from ..errors import InvalidArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Protocol, TypeAlias

    Piece: TypeAlias = bytes | bytearray | memoryview

    class State(Protocol):
        """A hash under way, as hashlib and xxhash make them."""

        def update(self, data: Piece, /) -> None: ...
        def digest(self) -> bytes: ...


__all__ = ["HASH_NAMES", "Algorithm", "algorithm"]

HASH_NAMES = ("xxh3_128", "xxh3_64", "md5", "sha1", "sha256", "blake2b")
"""The names that ``hash_name`` can take."""


class Algorithm:
    """One hash function, for bytes in one piece or in many."""

    __slots__ = ("_new", "digest")

    def __init__(self, new: Callable[[], State], digest: Callable[[Piece], bytes]) -> None:
        self._new = new
        self.digest = digest

    def digest_pieces(self, pieces: Iterable[Piece]) -> bytes:
        """Return the digest of the pieces' bytes joined."""
        state = self._new()
        for piece in pieces:
            state.update(piece)
        return state.digest()


@lru_cache(maxsize=len(HASH_NAMES))
def algorithm(hash_name: str) -> Algorithm:
    """Return the algorithm of that name.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If there is none.
    """
    if hash_name == "xxh3_128":
        return Algorithm(xxhash.xxh3_128, xxhash.xxh3_128_digest)
    if hash_name == "xxh3_64":
        return Algorithm(xxhash.xxh3_64, xxhash.xxh3_64_digest)
    if hash_name in HASH_NAMES:
        return _cryptographic(hash_name)
    raise InvalidArgumentError(
        f"hash_name={hash_name!r} is not known; expected one of {', '.join(HASH_NAMES)}"
    )


def _cryptographic(hash_name: str) -> Algorithm:
    import hashlib  # takes some 3 ms, and most calls never need it

    def new() -> State:
        return hashlib.new(hash_name, usedforsecurity=False)

    def digest(data: Piece) -> bytes:
        return hashlib.new(hash_name, data, usedforsecurity=False).digest()

    return Algorithm(new, digest)
