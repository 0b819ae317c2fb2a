"""The errors of this package alone; the shared ones are in :mod:`fanfold.errors`."""

from __future__ import annotations

import io
from pickle import PicklingError

from ..errors import CorruptFileError, FanfoldError, InvalidArgumentError

__all__ = ["EmptyFileError", "NotBinaryFileError", "UnpicklableValueError", "refuse_text_file"]


class EmptyFileError(CorruptFileError, EOFError):
    """There is nothing to load; reading several values from one file ends with it."""


class UnpicklableValueError(FanfoldError, PicklingError):
    """A value cannot be written; the message names the part at fault."""


class NotBinaryFileError(InvalidArgumentError, TypeError):
    """A file object is open for text, where bytes are read or written."""


def refuse_text_file(file: object, mode: str) -> None:
    """Raise :class:`NotBinaryFileError` if `file` is open for text; `mode` is what it needs."""
    if isinstance(file, io.TextIOBase):
        raise NotBinaryFileError(f"{file!r} is open for text; open it with mode {mode!r}")
