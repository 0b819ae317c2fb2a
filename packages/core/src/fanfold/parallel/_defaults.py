"""The mark of arguments that were not given: their value comes from the configuration."""

from __future__ import annotations

import os

__all__ = ["DEFAULTS", "UNSET", "ProcessDefaults", "Unset", "process_defaults"]


class Unset:
    """The type of `UNSET`."""

    def __repr__(self) -> str:
        """Return what signatures show."""
        return "<unset>"


UNSET = Unset()
"""An argument that was not given."""

DEFAULTS = {
    "backend": None,
    "n_jobs": None,
    "verbose": 0,
    "temp_folder": None,
    "max_nbytes": "1M",
    "mmap_mode": "r",
    "prefer": None,
    "require": None,
    "inner_max_num_threads": None,
    "on_error": "raise",
    "retries": 0,
    "task_timeout": None,
    "initializer": None,
    "initargs": (),
}
"""What holds where neither the call nor the configuration says."""


class ProcessDefaults:
    """What holds in the whole process where nobody says anything else.

    Attributes
    ----------
    registered : str or None
        The name of the backend that the program registered as the default.
    """

    VARIABLE = "FANFOLD_DEFAULT_BACKEND"

    def __init__(self) -> None:
        self.registered: str | None = None

    @property
    def of_environment(self) -> str | None:
        """The name of the backend that whoever started the program made the default."""
        return os.environ.get(self.VARIABLE) or None

    @property
    def backend(self) -> str:
        """The name of the backend that is used where nobody chose one."""
        return self.registered or self.of_environment or "processes"


process_defaults = ProcessDefaults()
