from __future__ import annotations

from typing import TYPE_CHECKING

from fanfold.stores import LocalStore
from fanfold.testing import StoreConformance

if TYPE_CHECKING:
    from pathlib import Path


class TestLocalStore(StoreConformance):
    def make_store(self, directory: Path) -> LocalStore:
        return LocalStore(directory)
