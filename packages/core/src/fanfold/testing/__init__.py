"""The suites by which a plugin shows that it keeps its contract.

Derive a test class from a suite and tell it how to make the plugin; pytest does the rest::

    from fanfold.testing import StoreConformance

    class TestMyStore(StoreConformance):
        def make_store(self, directory):
            return MyStore(directory)

They need pytest and hypothesis, which ``pip install "fanfold[testing]"`` brings.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._backend.suite import BackendConformance
    from ._store.suite import StoreConformance

__all__ = ["BackendConformance", "StoreConformance"]

_PACKAGES = ("_suite", "_backend", "_store")
_HOMES = {"BackendConformance": "_backend.suite", "StoreConformance": "_store.suite"}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    _prepare()
    found: object = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = found
    return found


def _prepare() -> None:
    """Let pytest explain the suites' assertions as it explains those of test files."""
    try:
        import hypothesis  # noqa: F401  asked for here, so that its absence has one message
        import pytest
    except ImportError as error:
        from ..errors import MissingExtraError

        raise MissingExtraError(
            f"the suites of fanfold.testing need {error.name}, which is not installed; install it "
            'with: pip install "fanfold[testing]"'
        ) from error
    pytest.register_assert_rewrite(*(f"{__name__}.{package}" for package in _PACKAGES))
