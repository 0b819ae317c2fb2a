"""What the suites have in common: how they tell of checks that are not passed as written."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Conformance"]


class Conformance:
    """Base of the suites.

    Attributes
    ----------
    known_failures : mapping of str to str
        Checks that the plugin fails for now: the name of a check, or of one of its cases
        (``"test_x[case]"``), and why: best a link. Such a check has to fail; once it passes, the
        suite asks for its line to be removed.
    """

    known_failures: ClassVar[Mapping[str, str]] = {}

    @pytest.fixture(autouse=True)
    def _expect_known_failures(self, request: pytest.FixtureRequest) -> None:
        case = request.node.name
        reason = self.known_failures.get(case) or self.known_failures.get(case.partition("[")[0])
        if reason is not None:
            request.applymarker(pytest.mark.xfail(reason=reason, strict=True))

    def test_known_failures_are_checks_of_the_suite(self) -> None:
        """A name in `known_failures` that is no check would hide a typo, or outlive its check."""
        checks = _checks(_suite_of(type(self)))
        unknown = [name for name in self.known_failures if name.partition("[")[0] not in checks]
        assert not unknown, f"known_failures names no check of this suite: {unknown}"

    def test_checks_are_the_suites_own(self) -> None:
        """A plugin may replace a check, but the report says so: as an expected failure."""
        cls, suite = type(self), _suite_of(type(self))
        own = [name for name in _checks(suite) if getattr(cls, name) is not getattr(suite, name)]
        if own:
            pytest.xfail(f"{cls.__name__} replaces checks of {suite.__name__}: {', '.join(own)}")


def _suite_of(cls: type) -> type:
    """Return the suite that a plugin's test class derives from."""
    return next(base for base in cls.__mro__ if base.__module__.startswith("fanfold.testing."))


def _checks(suite: type) -> list[str]:
    return [name for name in dir(suite) if name.startswith("test_")]
