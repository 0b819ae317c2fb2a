from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fanfold.testing import StoreConformance
from fanfold_s3 import S3Store

if TYPE_CHECKING:
    from pathlib import Path


class TestS3Store(StoreConformance):
    examples = 15

    @pytest.fixture(autouse=True)
    def _service(self, s3: Any) -> None:
        self.s3 = s3

    def make_store(self, directory: Path) -> S3Store:
        return S3Store(self.s3.new_location(), **self.s3.options)
