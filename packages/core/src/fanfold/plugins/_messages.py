"""The errors of the registries in words: each names the thing, its origin and the next step."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from ..errors import (
    BrokenPluginError,
    ContractVersionError,
    MissingExtraError,
    PluginConflictError,
    UnknownPluginError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from importlib.metadata import EntryPoint


def origin(offer: EntryPoint) -> str:
    """Return the name and version of the distribution that declares an entry point."""
    return f"{offer.dist.name} {offer.dist.version}" if offer.dist else "an unknown distribution"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest of the known names, or an empty text."""
    by_lower_case = {one.lower(): one for one in known}
    near = get_close_matches(name.lower(), by_lower_case, n=1)
    return f"; did you mean {by_lower_case[near[0]]!r}?" if near else ""


def unknown(
    kind: str, name: str, known: Mapping[str, str], extras: Mapping[str, str]
) -> UnknownPluginError:
    """Return the error for a name that nothing has."""
    listed = dict.fromkeys(known, "")
    for extra, requirement in extras.items():
        listed.setdefault(extra, f' (after pip install "{requirement}")')
    names = ", ".join(f"{one}{hint}" for one, hint in sorted(listed.items())) or "none"
    nearest = did_you_mean(name, listed) or "."
    return UnknownPluginError(f"there is no {kind} {name!r}{nearest} There are: {names}")


def missing_extra(kind: str, name: str, requirement: str) -> MissingExtraError:
    """Return the error for a plugin that is known but not installed."""
    return MissingExtraError(
        f'the {kind} {name!r} is not installed; install it with: pip install "{requirement}"'
    )


def conflict(kind: str, name: str, offers: Sequence[EntryPoint]) -> PluginConflictError:
    """Return the error for a name that several distributions claim."""
    claims = " and ".join(f"{origin(offer)} ({offer.value})" for offer in offers)
    return PluginConflictError(
        f"the {kind} {name!r} is claimed by several installed distributions: {claims}; uninstall "
        "all but the one you mean"
    )


def failed_import(kind: str, offer: EntryPoint, error: Exception) -> BrokenPluginError:
    """Return the error for a plugin whose import raised `error`."""
    return BrokenPluginError(
        f"the {kind} {offer.name!r} cannot be imported: the entry point '{offer.name} = "
        f"{offer.value}' of {origin(offer)} raised {type(error).__name__}: {error}; upgrade or "
        "reinstall that distribution, or uninstall it"
    )


def wrong_form(kind: str, offer: EntryPoint, fault: str) -> BrokenPluginError:
    """Return the error for a plugin that imports but is not what the contract asks for."""
    return BrokenPluginError(
        f"the {kind} {offer.name!r} is broken: {offer.value!r} of {origin(offer)} {fault}; upgrade "
        "that distribution, or tell its authors"
    )


def other_version(kind: str, offer: EntryPoint, version: int, current: int) -> ContractVersionError:
    """Return the error for a plugin that is written for another version of the contract."""
    plugin = offer.dist.name if offer.dist else "its distribution"
    upgrade = "fanfold" if version > current else plugin
    return ContractVersionError(
        f"the {kind} {offer.name!r} of {origin(offer)} keeps version {version} of the {kind} "
        f"contract and this fanfold has version {current}; upgrade {upgrade}: "
        f"pip install --upgrade {upgrade}"
    )
