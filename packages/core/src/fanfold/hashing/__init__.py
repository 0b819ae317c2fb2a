"""Hashes by value, fingerprints of functions, and the arguments of a call by name.

Together they make the keys of :class:`fanfold.Memory`: equal in every process, session and machine
where the same function is called with equal arguments, and different otherwise.
"""

from . import (
    _functions as _functions,  # registers the hashers of functions and classes
    _standard as _standard,  # registers those of the standard library
)
from ._explain import explain
from ._fingerprint import Fingerprint, Fingerprinter, atomic_parts, fingerprint
from ._hash import hash, hash_members
from ._registry import register_hasher
from ._signature import CallSignature
from ._words import Tagged

__all__ = [
    "CallSignature",
    "Fingerprint",
    "Fingerprinter",
    "Tagged",
    "atomic_parts",
    "explain",
    "fingerprint",
    "hash",
    "hash_members",
    "register_hasher",
]
