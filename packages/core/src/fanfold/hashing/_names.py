"""What classes, functions and modules are called, and whose they are."""

from __future__ import annotations

import os
import sys
from functools import lru_cache

__all__ = ["current_name", "is_library_file", "is_library_module", "qualified_name"]

_MOVED = (
    # One thing under two names: what a library moved must keep its hash.
    ("__mp_main__.", "__main__."),
    ("pathlib._local.", "pathlib."),
    ("numpy.core.", "numpy._core."),
    ("numpy.ma.core.", "numpy.ma."),
    ("pandas.core.frame.", "pandas."),
    ("pandas.core.series.", "pandas."),
    ("pandas.core.indexes.base.", "pandas."),
    ("pandas.core.arrays.base.", "pandas.api.extensions."),
)

_STANDARD_LIBRARY = os.path.dirname(os.path.realpath(os.__file__)) + os.sep


def qualified_name(thing: object) -> str:
    """Return ``module.qualname`` of a class or function, as it is called in every version."""
    module = getattr(thing, "__module__", None)
    name = getattr(thing, "__qualname__", None) or getattr(thing, "__name__", "")
    if not isinstance(module, str) or not module:
        return str(name)
    return current_name(f"{module}.{name}")


@lru_cache(maxsize=4096)
def current_name(name: str) -> str:
    """Return a dotted name as it is today, where the module that it was in has moved."""
    for old, new in _MOVED:
        if name.startswith(old):
            return new + name[len(old) :]
    return name


@lru_cache(maxsize=4096)
def is_library_file(path: str) -> bool:
    """Tell whether a source file belongs to an installed library, not to the user's project."""
    if path.startswith("<frozen "):
        return True
    parts = path.replace("\\", "/").split("/")
    if "site-packages" in parts or "dist-packages" in parts:
        return True
    return os.path.realpath(path).startswith(_STANDARD_LIBRARY)


def is_library_module(name: str) -> bool:
    """Tell whether a module belongs to Python or to an installed library.

    The user's own project is everything else: scripts, notebooks, and packages that are worked on
    where they lie. fanfold counts as a library wherever it lies.
    """
    top = name.partition(".")[0]
    if top == "fanfold":
        return True
    path = getattr(sys.modules.get(name), "__file__", None)
    if isinstance(path, str):
        return is_library_file(path)
    return top in sys.stdlib_module_names and top != "__main__"
