"""What importing :mod:`fanfold.testing` needs."""

from __future__ import annotations

import subprocess
import sys

import fanfold.testing
import pytest


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=150, check=False
    )


@pytest.mark.parametrize("missing", ["pytest", "hypothesis"])
def test_a_suite_without_its_extra_says_how_to_install_it(missing: str) -> None:
    result = run(
        f"import sys; sys.modules[{missing!r}] = None\nfrom fanfold.testing import StoreConformance"
    )

    assert "MissingExtraError" in result.stderr
    assert f"need {missing}, which is not installed" in result.stderr
    assert 'pip install "fanfold[testing]"' in result.stderr


def test_the_package_itself_imports_neither_pytest_nor_hypothesis() -> None:
    result = run(
        "import sys, fanfold.testing\n"
        "print([name for name in ('pytest', 'hypothesis') if name in sys.modules])"
    )

    assert result.stdout.strip() == "[]"


def test_a_name_that_is_no_suite_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'NoSuchConformance'"):
        _ = fanfold.testing.NoSuchConformance
