"""Which version of a library a module belongs to."""

from __future__ import annotations

import sys
from functools import lru_cache

__all__ = ["version_of"]


def version_of(module_name: str) -> str:
    """Return the version of the library that a module belongs to.

    That is the ``__version__`` of its outermost package that has one. Where none has, it is what
    the installed distributions say of the top-level package; ``""`` where they do not know it, as
    for the modules of Python itself.
    """
    parts = module_name.split(".")
    for n_parts in range(1, len(parts) + 1):
        module = sys.modules.get(".".join(parts[:n_parts]))
        # Not getattr: a module may import half its library to tell what it does not have.
        version = vars(module).get("__version__") if module is not None else None
        if isinstance(version, str):
            return version
    if parts[0] in sys.stdlib_module_names:
        return ""
    return _installed_version(parts[0])


@lru_cache(maxsize=1024)
def _installed_version(package: str) -> str:
    """Return the versions of the distributions that bring a top-level package, found out once."""
    from importlib import metadata  # takes 40 ms, and most libraries have a __version__

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # it is called otherwise than its distribution
        versions = {found.metadata["Name"]: found.version for found in metadata.distributions()}
        brought_by = set(metadata.packages_distributions().get(package, ()))
        return " ".join(f"{name} {versions[name]}" for name in sorted(brought_by))
