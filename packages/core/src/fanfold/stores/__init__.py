"""The stores that come with fanfold."""

from ._local import LocalStore

__all__ = ["LocalStore"]
