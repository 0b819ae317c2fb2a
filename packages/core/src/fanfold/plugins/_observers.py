"""The registry of observers, which the environment variable FANFOLD_HOOKS names."""

from __future__ import annotations

from ._registry import Registry

observers: Registry[object] = Registry(
    kind="observer",
    family="fanfold.hooks",
    version=1,
    contract=None,
    built_in={},
    extras={},
)
