from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest
from fanfold.stores import LocalStore
from fanfold.testing import StoreConformance

if TYPE_CHECKING:
    from pathlib import Path


class TestLocalStore(StoreConformance):
    def make_store(self, directory: Path) -> LocalStore:
        return LocalStore(directory)


@pytest.mark.filterwarnings("ignore:the file system of .* has no hard links")
class TestLocalStoreWithoutHardLinksAndLocks(StoreConformance):
    examples = 20

    def make_store(self, directory: Path) -> LocalStore:
        return LocalStore(directory, locks=False)

    @pytest.fixture(autouse=True)
    def _without_hard_links(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(_source: str, _target: str) -> None:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))

        monkeypatch.setattr(os, "link", refuse)
