"""What the installed distributions offer: their entry points, read when a name is asked for."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, TypeVar, cast

from . import _messages
from ._form import fault_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..errors import FanfoldError
    from ._registry import Registry

P = TypeVar("P")


def load_installed(registry: Registry[P], name: str) -> Callable[..., P]:
    """Import the one entry point of this name, or raise the error that says why it cannot be."""
    offers = list(entry_points(name=name))
    current = [offer for offer in offers if offer.group == registry.group]
    if not current:
        raise _absence(registry, name, offers)
    if len(current) > 1:
        raise _messages.conflict(registry.kind, name, current)
    return cast("Callable[..., P]", load(registry, current[0]))


def load(registry: Registry[P], offer: EntryPoint) -> object:
    """Import what an entry point names and check its form."""
    try:
        plugin: object = offer.load()
    except Exception as error:
        raise _messages.failed_import(registry.kind, offer, error) from error
    fault = fault_of(plugin, registry.contract)
    if fault:
        raise _messages.wrong_form(registry.kind, offer, fault)
    return plugin


def installed_names(registry: Registry[P]) -> dict[str, str]:
    """Return the names that installed distributions offer for this contract, and which these are.

    A name that two distributions claim shows both.
    """
    names: dict[str, str] = {}
    for offer in entry_points(group=registry.group):
        origin = _messages.origin(offer)
        names[offer.name] = f"{names[offer.name]} and {origin}" if offer.name in names else origin
    return names


def contract_version(registry: Registry[P], group: str) -> int | None:
    """Return which version of the registry's contract a group is for; None: of another contract."""
    family, _, version = group.rpartition(".v")
    return int(version) if family == registry.family and version.isdecimal() else None


def _absence(registry: Registry[P], name: str, offers: Iterable[EntryPoint]) -> FanfoldError:
    other_versions = [
        (version, offer)
        for offer in offers
        if (version := contract_version(registry, offer.group)) is not None
    ]
    if other_versions:
        version, offer = max(other_versions, key=lambda pair: pair[0])
        return _messages.other_version(registry.kind, offer, version, registry.version)
    if name in registry.extras:
        return _messages.missing_extra(registry.kind, name, registry.extras[name])
    return _messages.unknown(registry.kind, name, registry.names(), registry.extras)
