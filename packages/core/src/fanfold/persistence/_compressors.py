"""The compressors: each makes single blocks of bytes smaller, and knows their size beforehand.

A compressor's library is imported when it is first used. Decompressing never gives more than the
size that was announced, so a forged block cannot fill the memory.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from typing import Protocol

from ..errors import InvalidArgumentError, MissingExtraError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from ..contracts.store import Piece

__all__ = [
    "LZMA_MEMORY",
    "Compressor",
    "compressor_named",
    "compressors",
    "lz4_frame",
    "register_compressor",
]

_LONGEST_NAME = 40
LZMA_MEMORY = 128 << 20  # what level 9 needs is 65 MiB; a forged block may ask for 4 GiB


class Compressor(ABC):
    """How blocks of bytes are compressed; derive from it for :func:`register_compressor`.

    *Required*: :meth:`compress` and :meth:`decompress`. Both may be called from many threads.

    Attributes
    ----------
    extension : str, default=""
        The file ending, such as ``".gz"``, that makes ``dump`` choose this compressor.
    """

    extension: str = ""

    @abstractmethod
    def compress(self, data: Piece, level: int) -> bytes:
        """Return `data` compressed, at a level from 1 (fast) to 9 (small)."""

    @abstractmethod
    def decompress(self, data: Piece, size: int) -> bytes:
        """Return the `size` bytes that `data` was made from.

        If `data` is damaged, raise any exception, or return other bytes: but never many more than
        `size`, since whoever wrote the file chose `data`.
        """


class _Decompressing(Protocol):
    """The decompressing objects of the standard library and its kin."""

    def decompress(self, data: Piece, max_length: int = ..., /) -> bytes: ...


def _exactly(decompressor: _Decompressing, data: Piece, size: int) -> bytes:
    return decompressor.decompress(data, size + 1)  # one more, so that too many are noticed


class _Zlib(Compressor):
    extension = ".z"
    window = 15

    def compress(self, data: Piece, level: int) -> bytes:
        import zlib

        return zlib.compress(data, level, self.window)

    def decompress(self, data: Piece, size: int) -> bytes:
        import zlib

        return _exactly(zlib.decompressobj(self.window), data, size)


class _Gzip(_Zlib):
    extension = ".gz"
    window = 31


class _Bz2(Compressor):
    extension = ".bz2"

    def compress(self, data: Piece, level: int) -> bytes:
        import bz2

        return bz2.compress(data, level)

    def decompress(self, data: Piece, size: int) -> bytes:
        import bz2

        return _exactly(bz2.BZ2Decompressor(), data, size)


class _Lzma(Compressor):
    extension = ".lzma"

    def compress(self, data: Piece, level: int) -> bytes:
        import lzma

        return lzma.compress(data, lzma.FORMAT_ALONE, preset=level)

    def decompress(self, data: Piece, size: int) -> bytes:
        import lzma

        return _exactly(lzma.LZMADecompressor(lzma.FORMAT_AUTO, LZMA_MEMORY), data, size)


class _Xz(_Lzma):
    extension = ".xz"

    def compress(self, data: Piece, level: int) -> bytes:
        import lzma

        return lzma.compress(data, lzma.FORMAT_XZ, preset=level)


class _Lz4(Compressor):
    extension = ".lz4"

    def compress(self, data: Piece, level: int) -> bytes:
        compressed: bytes = lz4_frame().compress(data, compression_level=level)
        return compressed

    def decompress(self, data: Piece, size: int) -> bytes:
        return _exactly(lz4_frame().LZ4FrameDecompressor(), data, size)


class _Zstd(Compressor):
    extension = ".zst"

    def compress(self, data: Piece, level: int) -> bytes:
        library = _zstd()
        compressed: bytes
        if library.__name__ == "zstandard":
            compressed = library.ZstdCompressor(level=level).compress(data)
        else:
            compressed = library.compress(data, level)
        return compressed

    def decompress(self, data: Piece, size: int) -> bytes:
        library = _zstd()
        if library.__name__ != "zstandard":
            return _exactly(library.ZstdDecompressor(), data, size)
        if library.frame_content_size(data) != size:  # the library allocates what the frame claims
            raise ValueError(f"its zstd frame does not announce the {size} bytes it should hold")
        decompressed: bytes = library.ZstdDecompressor().decompress(data, max_output_size=size)
        return decompressed


def lz4_frame() -> ModuleType:
    """Return the library for lz4."""
    try:
        import lz4.frame
    except ImportError as error:
        raise _missing("lz4", "lz4") from error
    library: ModuleType = lz4.frame
    return library


def _zstd() -> ModuleType:
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd

            return zstd
        import zstandard

        return zstandard
    except ImportError as error:
        raise _missing("zstd", "zstandard") from error


def _missing(method: str, library: str) -> MissingExtraError:
    return MissingExtraError(
        f"compression by {method!r} needs the library {library}, which is not installed: "
        'pip install "fanfold[compression]"'
    )


compressors: dict[str, Compressor] = {
    "zlib": _Zlib(),
    "gzip": _Gzip(),
    "bz2": _Bz2(),
    "lzma": _Lzma(),
    "xz": _Xz(),
    "lz4": _Lz4(),
    "zstd": _Zstd(),
}
"""The compressors of this process by name; only :func:`register_compressor` changes it."""


def register_compressor(compressor_name: str, compressor: Compressor, force: bool = False) -> None:
    """Make a compressor known under a name, for ``dump(..., compress=name)`` and for loading.

    Files name their compressor, so whoever loads one must have registered it too.

    Parameters
    ----------
    compressor_name : str
        1 to 40 bytes in UTF-8.
    compressor : Compressor
        What does the work.
    force : bool, default=False
        Whether to replace a compressor that has the name already.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If the name or the compressor will not do, or the name is taken.

    Examples
    --------
    >>> import base64
    >>> from fanfold.persistence import Compressor, register_compressor
    >>> class Base64(Compressor):
    ...     def compress(self, data, level):
    ...         return base64.b64encode(data)
    ...     def decompress(self, data, size):
    ...         return base64.b64decode(data)
    >>> register_compressor("base64", Base64(), force=True)
    """
    if not isinstance(compressor_name, str) or not (
        1 <= len(compressor_name.strip("\0").encode("utf-8", "replace")) <= _LONGEST_NAME
    ):
        raise InvalidArgumentError(
            f"{compressor_name!r} cannot name a compressor: expected text of 1 to {_LONGEST_NAME} "
            "bytes"
        )
    if not isinstance(compressor, Compressor):
        raise InvalidArgumentError(
            f"{compressor!r} cannot compress: expected an instance of a class that derives from "
            "fanfold.persistence.Compressor"
        )
    if compressor_name in compressors and not force:
        raise InvalidArgumentError(
            f"the compressor name {compressor_name!r} is taken by "
            f"{type(compressors[compressor_name]).__qualname__}; pass force=True to replace it"
        )
    compressors[compressor_name] = compressor


def compressor_named(name: str, place: str) -> Compressor:
    """Return the compressor that a file names.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If there is none of that name.
    """
    try:
        return compressors[name]
    except KeyError as error:
        raise InvalidArgumentError(
            f"{place} is compressed by {name!r}, which is not among {', '.join(compressors)}: "
            f"call fanfold.register_compressor({name!r}, ...) before loading it"
        ) from error
