"""The names of cache entries: short, legal in every store, and the same on every machine.

An entry is ``fanfold/<qualified name>/<fingerprint>/<hash of the arguments>``. The module is not
part of it, nor any file's path: a function that moved, or that runs in ``__main__`` here and is
imported there, finds its results as long as its code is the same. Where two functions share a
name, their fingerprints tell them apart.
"""

from __future__ import annotations

import re
from zlib import crc32

from ..contracts.store import is_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

ROOT = "fanfold/"
"""What the keys of all entries start with, so that clearing a cache spares everything else."""

_PARTS_OF_KEY = 4
_LONGEST_NAME = 80
_LEGAL_NAME = re.compile(rf"[\w\-][\w.\-]{{0,{_LONGEST_NAME - 1}}}", re.ASCII)
_NOT_IN_NAMES = re.compile(r"[^\w\-]", re.ASCII)


def function_name(function: Callable[..., Any]) -> str:
    """Return the qualified name of a function; of a callable object, that of its type."""
    while (inner := getattr(function, "func", None)) is not None:
        function = inner  # functools.partial, which has no name of its own
    name = getattr(function, "__qualname__", None)
    return name if isinstance(name, str) else type(function).__qualname__


def function_module(function: Callable[..., Any]) -> str:
    """Return the name of the module of a function; of a callable object, that of its type."""
    while (inner := getattr(function, "func", None)) is not None:
        function = inner
    module = getattr(function, "__module__", None)
    return module if isinstance(module, str) else "builtins"


def function_prefix(name: str) -> str:
    """Return what the keys of a function's entries start with; it ends with a slash.

    ``<locals>`` becomes ``-locals-``, since Windows allows no angle brackets; a name that is too
    long, or not ASCII, is completed by its hash.
    """
    plain = name.replace("<", "-").replace(">", "-")
    if not _LEGAL_NAME.fullmatch(plain):
        legal = _NOT_IN_NAMES.sub("_", plain)[:_LONGEST_NAME]
        plain = f"{legal}-{crc32(name.encode(errors='surrogatepass')):08x}"
    return f"{ROOT}{plain}/"


def is_entry_key(key: str) -> bool:
    """Return whether `key` is of the form that the keys of results have."""
    return key.startswith(ROOT) and is_key(key) and key.count("/") == _PARTS_OF_KEY - 1
