"""Where names become classes: the registries of backends and stores, and the hooks.

Importing this imports neither pluggy nor :mod:`importlib.metadata`, which take 40 ms and more each;
they come when an observer is put to work, and when a name is asked for that is not built in.
"""

from ._backends import backends
from ._hooks import HookCaller, hooks, register_hooks, unregister_hooks
from ._observers import observers
from ._registry import Registry
from ._stores import StoreRegistry, stores

__all__ = [
    "HookCaller",
    "Registry",
    "StoreRegistry",
    "backends",
    "hooks",
    "observers",
    "register_hooks",
    "stores",
    "unregister_hooks",
]
