"""``dump``: a value into a file."""

from __future__ import annotations

import os
from typing import Protocol

from ..errors import InvalidArgumentError
from ._compression import Compress, Compression, choose_compression
from ._container import write_container
from ._errors import refuse_text_file
from ._pickling import PICKLING_FAILURES, pickle_by_name, unpicklable
from ._publish import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contracts.store import Piece

__all__ = ["WritableFile", "dump"]

_HIGHEST_PROTOCOL = 5


class WritableFile(Protocol):
    """A binary file object, as far as dumping uses it."""

    def write(self, data: bytes, /) -> object: ...


def dump(
    value: object,
    filename: str | os.PathLike[str] | WritableFile,
    compress: Compress = 0,
    protocol: int | None = None,
    *,
    durable: bool = False,
) -> list[str] | None:
    """Write a value into a file, so that the file is complete or not there at all.

    Large arrays go to the file from where they are, without a copy. Functions and classes are
    stored by name, so what loads the file must be able to import them.

    Parameters
    ----------
    value : object
        Anything that pickle takes.
    filename : str, os.PathLike or binary file object
        Where to. At a path, the file appears with its last byte: a failure leaves an old file as it
        was. A file object is written from its position on, and may take several values in a row.
    compress : int, bool, str or tuple, default=0
        0 or False for none; a level from 1 (fast) to 9 (small); True for level 3; a method of
        ``"zlib"``, ``"gzip"``, ``"bz2"``, ``"lzma"``, ``"xz"``, ``"lz4"``, ``"zstd"`` and those
        registered; or ``(method, level)``. Where no method is named, the file's ending chooses it
        (``.z``, ``.gz``, ``.bz2``, ``.lzma``, ``.xz``, ``.lz4``, ``.zst``), even for level 0; else
        it is zlib. The result is always fanfold's container, also under such an ending. Compressed
        arrays cannot be memory-mapped.
    protocol : int, optional
        For joblib's callers; the container always uses pickle's protocol 5.
    durable : bool, default=False
        Whether to return only when the file and its name are on the disk. Without, a machine that
        loses its power may lose the file too, but a program that is killed never leaves half of
        one. Only for a path.

    Returns
    -------
    list of str or None
        The path, alone in a list; None for a file object.

    Raises
    ------
    fanfold.errors.InvalidArgumentError
        If `filename`, `compress` or `protocol` is none of these, or a file object should be
        durable.
    fanfold.errors.MissingExtraError
        If the library of the compression method is not installed.
    pickle.PicklingError
        If the value cannot be pickled; the message names the part at fault.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import os, tempfile
    >>> import fanfold
    >>> path = os.path.join(tempfile.mkdtemp(), "value.fan")
    >>> fanfold.dump({"a": [1, 2, 3]}, path) == [path]
    True
    >>> fanfold.load(path)
    {'a': [1, 2, 3]}
    """
    _check_protocol(protocol)
    if isinstance(filename, str | os.PathLike):
        path = os.fspath(filename)
        compression = choose_compression(compress, path)
        with published(path, durable=durable) as file:
            _write(value, file, compression)
        return [path]
    refuse_text_file(filename, "wb")
    if not hasattr(filename, "write"):
        raise InvalidArgumentError(
            f"filename={filename!r} is a {type(filename).__name__}, but a path (str or "
            "os.PathLike) or a binary file object is needed"
        )
    if durable:
        raise InvalidArgumentError(
            f"durable=True needs a path, but filename={filename!r} is a file object: dump into it, "
            "then call its flush() and os.fsync() on its fileno()"
        )
    _write(value, filename, choose_compression(compress))
    return None


def _check_protocol(protocol: int | None) -> None:
    if protocol is not None and protocol > _HIGHEST_PROTOCOL:
        raise InvalidArgumentError(
            f"protocol={protocol!r} is above {_HIGHEST_PROTOCOL}, which the container uses; leave "
            "it out"
        )


def _write(value: object, file: WritableFile, compression: Compression | None) -> None:
    def write(piece: Piece) -> None:
        written = file.write(piece)  # type: ignore[arg-type]  # files take what exports a buffer
        while isinstance(written, int) and written < len(piece):  # a raw file, a full pipe
            piece = memoryview(piece)[written:]
            written = file.write(piece)  # type: ignore[arg-type]  # as above

    try:
        write_container(write, value, pickle_by_name, compression)
    except PICKLING_FAILURES as error:
        raise unpicklable(value, error) from error
