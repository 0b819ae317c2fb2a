"""What workers take over from their parent before each call, where it changed since the last."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container
    from typing import TypeAlias

    Changes: TypeAlias = tuple[list[str], str | None, dict[str, str | None]]
    """Import path, current directory, and environment variables, None for those that are gone."""

__all__ = ["Settings"]

_ONLY_PARENTS = frozenset(["FANFOLD_HOOKS"])
"""Variables that workers do not have: observers belong to the parent."""


class Settings:
    """Import path, current directory and environment of this process at some time.

    Parameters
    ----------
    path : list of str
        ``sys.path``.
    directory : str or None
        The current directory; None where it was deleted: workers stay where they are.
    environment : dict
        The environment variables, as the system has them.
    """

    __slots__ = ("_directory", "_environment", "_path")

    def __init__(
        self, path: list[str], directory: str | None, environment: dict[bytes, bytes]
    ) -> None:
        self._path = path
        self._directory = directory
        self._environment = environment

    @classmethod
    def current(cls) -> Settings:
        """Return those of here and now."""
        try:
            directory: str | None = os.getcwd()
        except FileNotFoundError:
            directory = None
        # Taking them through os.environ itself decodes all of them, which takes 30 times as long.
        environment: dict[bytes, bytes] = os.environ._data.copy()  # type: ignore[attr-defined]
        return cls(sys.path[:], directory, environment)

    def since(self, earlier: Settings, own_variables: Container[str]) -> Changes | None:
        """Return what a worker must take over that has earlier settings; None if it has all.

        Parameters
        ----------
        earlier : Settings
            What it has.
        own_variables : container of str
            The environment variables that it was started with besides, which it keeps.
        """
        old, new = earlier._environment, self._environment
        variables: dict[str, str | None] = {}
        if new != old:
            changed = {name: new.get(name) for name in old.keys() | new.keys()}
            variables = {
                os.fsdecode(name): None if value is None else os.fsdecode(value)
                for name, value in changed.items()
                if value != old.get(name)
            }
            for name in [*variables]:
                if name in own_variables or name in _ONLY_PARENTS:
                    del variables[name]
        is_elsewhere = self._path != earlier._path or self._directory != earlier._directory
        return (self._path, self._directory, variables) if is_elsewhere or variables else None
