"""Every plugin there is, and whether it works; this imports them all, so nothing on a fast path."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from .._version import __version__
from ..errors import FanfoldError
from ._backends import backends
from ._discovery import contract_version
from ._observers import observers
from ._registry import Registry
from ._stores import stores

__all__ = ["PluginReport", "list_plugins"]

Status = Literal["ok", "not installed", "hidden", "broken"]


@dataclass(frozen=True, slots=True)
class PluginReport:
    """What is known of one plugin.

    Attributes
    ----------
    kind : str
        ``"backend"``, ``"store"`` or ``"observer"``.
    name : str
        The name that users choose it by.
    distribution, version : str or None
        What brings it; None where that is not installed.
    status : str
        ``"ok"``: it can be imported and has the form of its contract. ``"not installed"``: an extra
        of fanfold brings it. ``"hidden"``: a built-in name comes first. ``"broken"``: choosing it
        raises an error.
    problem : str or None
        Why it is not ``"ok"``, and what to do.
    """

    kind: str
    name: str
    distribution: str | None
    version: str | None
    status: Status
    problem: str | None = None


def list_plugins() -> list[PluginReport]:
    """Return a report on each plugin that is built in, installed or known as an extra.

    No plugin's fault ends it: what choosing a plugin would raise becomes its report.
    """
    registries: tuple[Registry[Any], ...] = (backends, stores, observers)
    return [report for registry in registries for report in _reports(registry)]


def _reports(registry: Registry[Any]) -> list[PluginReport]:
    reports = [_try(registry, name, "fanfold", __version__) for name in registry.built_in]
    offers = _offers(registry)
    reports += [_report_offer(registry, offer) for offer in offers]
    for name in registry.extras.keys() - {offer.name for offer in offers}:
        advice = f'pip install "{registry.extras[name]}"'
        reports.append(PluginReport(registry.kind, name, None, None, "not installed", advice))
    return sorted(reports, key=lambda report: (report.name, report.distribution or ""))


def _offers(registry: Registry[Any]) -> list[EntryPoint]:
    """Return the entry points for any version of the contract, one for each that can be chosen."""
    groups = [
        group for group in entry_points().groups if contract_version(registry, group) is not None
    ]
    offers = [offer for group in groups for offer in entry_points(group=group)]
    current = {offer.name for offer in offers if offer.group == registry.group}
    return [offer for offer in offers if offer.group == registry.group or offer.name not in current]


def _report_offer(registry: Registry[Any], offer: EntryPoint) -> PluginReport:
    distribution, release = (offer.dist.name, offer.dist.version) if offer.dist else (None, None)
    if offer.name in registry.built_in:
        problem = f"the built-in {registry.kind} of this name comes first"
        return PluginReport(registry.kind, offer.name, distribution, release, "hidden", problem)
    return _try(registry, offer.name, distribution, release)


def _try(
    registry: Registry[Any], name: str, distribution: str | None, release: str | None
) -> PluginReport:
    try:
        plugin = registry.get(name)
        if registry is observers:
            # Only here: `fanfold doctor` must also run where pluggy is what is missing.
            from ._relay import Relay

            Relay().with_(plugin)
    except FanfoldError as error:
        return PluginReport(registry.kind, name, distribution, release, "broken", str(error))
    return PluginReport(registry.kind, name, distribution, release, "ok")
