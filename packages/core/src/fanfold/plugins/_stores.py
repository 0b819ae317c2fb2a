"""The registry of stores, which also finds the store of a location."""

from __future__ import annotations

import os

from ..errors import InvalidArgumentError, UnknownPluginError
from ._registry import Registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..contracts.store import Store


class StoreRegistry(Registry["Store"]):
    """Finds stores by name or by the scheme of a location."""

    def for_location(
        self, location: str | os.PathLike[str], backend: str | None = None
    ) -> Callable[..., Store]:
        """Return what makes the store for a location.

        Parameters
        ----------
        location : str or path-like
            A path means the store ``"local"``; a URL such as ``s3://bucket/prefix`` the store that
            is named like its scheme.
        backend : str or None, default=None
            The store's name, where the location does not decide.

        Raises
        ------
        fanfold.errors.InvalidArgumentError
            When the location is neither a string nor path-like.
        fanfold.errors.FanfoldError
            As :meth:`Registry.get`.
        """
        if not isinstance(location, (str, os.PathLike)):
            raise InvalidArgumentError(
                f"the location of a store is a path or a URL such as 's3://bucket/prefix', "
                f"not {location!r}"
            )
        if backend is not None:
            return self.get(backend)
        name = scheme_of(location) if isinstance(location, str) else None
        try:
            return self.get(name or "local")
        except UnknownPluginError as error:
            error.add_note(f"It was asked for by the location {location!r}.")
            raise


def scheme_of(location: str) -> str | None:
    """Return the URL scheme that a location starts with, in lower case, or None for a path.

    One letter is never a scheme but a drive of Windows: ``C://data`` is a path.
    """
    scheme, separator, _ = location.partition("://")
    plain = scheme.replace("+", "").replace("-", "").replace(".", "")
    if separator and len(scheme) > 1 and plain.isascii() and plain.isalnum():
        return scheme.lower()
    return None


stores = StoreRegistry(
    kind="store",
    family="fanfold.stores",
    version=1,
    contract="fanfold.contracts:Store",
    built_in={"local": "fanfold.stores:LocalStore", "file": "fanfold.stores:LocalStore"},
    extras={"s3": "fanfold[s3]"},
)
