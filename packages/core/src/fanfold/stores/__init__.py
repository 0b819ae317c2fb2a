"""The stores that come with fanfold."""

from ._local import LocalStore
from ._read_only import ReadOnlyStore

__all__ = ["LocalStore", "ReadOnlyStore"]
