"""Whether a class has the form of its contract, as far as that shows without making an instance."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ._registry import import_target

if TYPE_CHECKING:
    from ..contracts import Backend, Store


def fault_of(candidate: object, contract: str | None) -> str | None:
    """Return what keeps `candidate` from being a plugin, as the end of a sentence, or None.

    Parameters
    ----------
    candidate : object
        What was registered, or what an entry point names.
    contract : str or None
        ``"module:Class"`` to derive from; None takes any object.
    """
    if contract is None:
        return None
    base = cast("type[Backend | Store]", import_target(contract))
    wanted = contract.replace(":", ".")
    if not isinstance(candidate, type):
        return f"is not a class derived from {wanted} but a {type(candidate).__name__}"
    if not issubclass(candidate, base):
        return f"is not derived from {wanted}"
    missing = sorted(getattr(candidate, "__abstractmethods__", ()))
    if missing:
        return f"does not implement {', '.join(missing)} of {wanted}"
    name = getattr(candidate, "name", None)
    if not isinstance(name, str):
        return f"has no class attribute `name`, a string, but {name!r}"
    declared = type(base.capabilities)
    capabilities = getattr(candidate, "capabilities", None)
    if not isinstance(capabilities, declared):
        return f"has no class attribute `capabilities`, a {declared.__name__}, but {capabilities!r}"
    return None
