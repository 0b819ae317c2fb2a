"""``hash``: one digest for all equal values."""

from __future__ import annotations

from ._algorithms import algorithm
from ._encoder import Encoder
from ._plain import NOT_PLAIN, plain, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["hash", "hash_members"]


def hash(obj: object, hash_name: str = "xxh3_128", coerce_mmap: bool = False) -> str:
    """Return the hash of a value: the same for equal values in every process and session.

    Identity, interning, memory layout and PYTHONHASHSEED do not count, nor does the order of sets
    and dicts, at any depth. Types do: ``1``, ``1.0`` and ``True`` differ, as do ``[1]`` and
    ``(1,)``. Any NaN equals any other of its type, and ``0.0`` differs from ``-0.0`` because
    ``1/x`` does. Of arrays, dtype, shape and values count, but not strides. A structure that
    contains itself is hashed by what one sees when following it. Nothing is nested too deeply.

    Functions and classes of the user's own project count by their code and what it depends on (see
    :func:`fanfold.hashing.fingerprint`), those of libraries by name and version. Any other object
    counts by its class's name and the state that it would be pickled with, unless its type has a
    hasher (see :func:`fanfold.hashing.register_hasher`).

    Parameters
    ----------
    obj : object
        The value.
    hash_name : str, default="xxh3_128"
        ``"xxh3_128"``, ``"xxh3_64"``, ``"md5"``, ``"sha1"``, ``"sha256"`` or ``"blake2b"``. The
        first two are fast and not meant to withstand somebody who looks for collisions.
    coerce_mmap : bool, default=False
        Accepted for joblib's sake: a memory-mapped array always has the hash of the same array in
        memory.

    Returns
    -------
    str
        Hexadecimal digits.

    Notes
    -----
    Arrays and bytes of 16 MiB and more are hashed by up to four threads, but by no more than the
    environment variable ``OMP_NUM_THREADS`` allows.

    Raises
    ------
    fanfold.errors.UnhashableValueError
        If something in `obj` has no value, such as a lock or an open file; the message says where,
        as in ``obj.model._lock``.
    fanfold.errors.InvalidArgumentError
        If `hash_name` is none of the above.

    Examples
    --------
    >>> from fanfold.hashing import hash
    >>> hash({"a", "b"}) == hash({"b", "a"})
    True
    >>> hash([1, 2]) == hash((1, 2))
    False
    """
    chosen = algorithm(hash_name)
    tree = plain(obj)
    if tree is not NOT_PLAIN:
        return chosen.digest(write(tree)).hex()
    return Encoder(chosen).digest(obj).hex()


def hash_members(members: Mapping[str, object]) -> tuple[str, dict[str, str]]:
    """Return the hash of a dict, as :func:`hash` does, and those of the members in it.

    The latter come for nothing, since the former is made of them. Members that are numbers or short
    texts have none.
    """
    chosen = algorithm("xxh3_128")
    tree = plain(members)
    if tree is not NOT_PLAIN:
        return chosen.digest(write(tree)).hex(), {}
    encoder = Encoder(chosen)
    whole = encoder.digest(members).hex()
    digests = {name: encoder.digest_of(member) for name, member in members.items()}
    return whole, {name: digest.hex() for name, digest in digests.items() if digest is not None}
