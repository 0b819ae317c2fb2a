"""What ``compress=`` and a file's ending ask for: a pure decision."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from ..errors import InvalidArgumentError
from ._compressors import Compressor, compressors

__all__ = ["Compress", "Compression", "choose_compression"]

Compress: TypeAlias = bool | int | str | tuple[str, int | None] | None
"""What ``compress=`` takes."""

_DEFAULT_METHOD = "zlib"
_DEFAULT_LEVEL = 3


class Compression(NamedTuple):
    """A compressor, its name, and the level to call it with."""

    name: str
    compressor: Compressor
    level: int


def choose_compression(compress: Compress, path: str = "") -> Compression | None:
    """Return how to compress, or None for not at all.

    Parameters
    ----------
    compress : bool, int, str, tuple or None
        As in :func:`fanfold.dump`.
    path : str, default=""
        The file's path, whose ending counts where `compress` names no method.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If `compress` is none of these.
    """
    if not path and isinstance(compress, int) and not compress:
        return None  # most entries of caches, which should not take long
    method: object = None
    level: object
    names_method = isinstance(compress, tuple | str)
    if isinstance(compress, tuple):
        if len(compress) != 2:
            raise InvalidArgumentError(
                f"compress={compress!r} has {len(compress)} elements, but a tuple must have 2: "
                "(method, level)"
            )
        method, level = compress
    elif isinstance(compress, str):
        method, level = compress, _DEFAULT_LEVEL
    else:
        level = _DEFAULT_LEVEL if compress is True else compress

    if level is not None and (not isinstance(level, int) or level not in range(10)):
        raise InvalidArgumentError(
            f"compress={compress!r} asks for level {level!r}, but a level is an integer from 0 "
            "(no compression) to 9 (smallest)"
        )
    if not names_method:
        method = _method_by_ending(path)
        if method is not None:
            level = level or None  # the ending asks for compression, though 0 is the default level
        else:
            method = _DEFAULT_METHOD
    if not isinstance(method, str) or method not in compressors:
        raise InvalidArgumentError(
            f"compress={compress!r} asks for method {method!r}, which is not among "
            f"{', '.join(compressors)}; register_compressor() adds others"
        )
    if level == 0:
        return None
    return Compression(method, compressors[method], _DEFAULT_LEVEL if level is None else int(level))


def _method_by_ending(path: str) -> str | None:
    if not path:
        return None
    for name, compressor in list(compressors.items()):  # a thread may register one meanwhile
        if compressor.extension and path.endswith(compressor.extension):
            return name
    return None
