"""Distributions that are really installed, as far as Python can tell: on ``sys.path``."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a distribution: its metadata, its entry points by group and its modules."""

    def install(
        distribution: str,
        version: str,
        entry_points: dict[str, list[str]],
        modules: dict[str, str] | None = None,
    ) -> Path:
        site = tmp_path / f"{distribution}-site"
        metadata = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        )
        sections = [
            "\n".join([f"[{group}]", *declarations]) for group, declarations in entry_points.items()
        ]
        (metadata / "entry_points.txt").write_text("\n\n".join(sections) + "\n")
        for module, source in (modules or {}).items():
            (site / f"{module}.py").write_text(textwrap.dedent(source))
        monkeypatch.syspath_prepend(str(site))
        return site

    return install
