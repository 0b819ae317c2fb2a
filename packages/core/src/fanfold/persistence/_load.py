"""``load``: the value of a file."""

from __future__ import annotations

import os
from functools import partial
from typing import Any, cast

from ..errors import InvalidArgumentError
from ._arrays import copied_array, mapped_array
from ._container import read_body, read_header, trust_of
from ._errors import EmptyFileError, refuse_text_file
from ._foreign import load_foreign
from ._format import MAGIC, pack_header
from ._mapping import map_file, normal_mode, warn_unmapped
from ._sources import FileSource, MappedSource, is_regular_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO, Literal

    from ._format import Header
    from ._sources import ReadableFile
    from .safety.trust import Trust, Trusted

__all__ = ["load", "load_path"]

_READ_AHEAD = 1 << 17


def load(
    filename: str | bytes | os.PathLike[str] | ReadableFile,
    mmap_mode: str | None = None,
    ensure_native_byte_order: bool | Literal["auto"] = "auto",
    *,
    trusted: Trusted = None,
) -> Any:
    """Return the value that ``dump`` wrote, or joblib's ``dump``, or ``pickle.dump``.

    Arrays come back writable. What fanfold wrote is verified by its checksums on the way, except
    for arrays that are mapped, which are not read at all. Loading runs code that the file names: a
    file from somebody you do not trust is to be loaded with `trusted`.

    Parameters
    ----------
    filename : str, os.PathLike or binary file object
        Where from. A file object is read from its position to the value's end, so several values in
        a row can be loaded.
    mmap_mode : {None, "r", "r+", "w+", "c"}, default=None
        Map the arrays from the file instead of reading them, as ``numpy.memmap``: read-only; for
        reading and writing (``"w+"`` is the same); or so that writing changes only the memory. From
        the first ``"r+"`` on, the file's arrays are no longer verified. A compressed file, or a
        file object that is no file on disk, is loaded normally, with a warning.
    ensure_native_byte_order : bool or "auto", default="auto"
        Whether arrays get this machine's byte order; ``"auto"`` does so unless they are mapped.
    trusted : iterable of str or module, default=None
        What the file may import, besides what values of built-in types need: full names of classes
        and functions; modules, or their names, for what is defined in them and below; ``"numpy"``
        for arrays, and ``"sklearn"`` for fitted models. Everything else is refused before anything
        of the file runs. None trusts the file to import and call what it likes.

    Returns
    -------
    object
        The value.

    Raises
    ------
    fanfold.errors.CorruptFileError
        If the file is truncated, damaged, or of another kind.
    fanfold.errors.InvalidArgumentError
        If the other arguments are none of these, or ask to map arrays in native byte order.
    fanfold.errors.MissingExtraError
        If the library of its compression method is not installed.
    fanfold.errors.UntrustedGlobalError
        If the file would import what is not trusted.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import io
    >>> import fanfold
    >>> file = io.BytesIO()
    >>> fanfold.dump([1, 2, 3], file)
    >>> _ = file.seek(0)
    >>> fanfold.load(file, trusted=[])
    [1, 2, 3]
    """
    mode = normal_mode(mmap_mode)
    native = _is_native(ensure_native_byte_order, mode)
    trust = trust_of(trusted)
    refuse_text_file(filename, "rb")
    if not isinstance(filename, str | bytes | os.PathLike) and hasattr(filename, "read"):
        place = repr(getattr(filename, "name", None) or filename)
        return _load_file(filename, place, mode, native=native, foreign=True, trust=trust)
    path = os.fsdecode(filename)  # type: ignore[arg-type]  # refuses what is no path
    with _opened(path, mode) as file:
        return _load_file(file, repr(path), mode, native=native, foreign=True, trust=trust)


def load_path(
    path: str | os.PathLike[str], mmap_mode: str | None = None, *, trusted: Trusted = None
) -> object:
    """Return the value of a container, exactly as it was dumped or encoded.

    It differs from :func:`load` in that it keeps the byte order and takes only containers.

    Raises
    ------
    fanfold.errors.CorruptFileError
        If the file is truncated, damaged, or no container.
    fanfold.errors.UntrustedGlobalError
        If the file would import what is not trusted.
    """
    trust = trust_of(trusted)
    mode = normal_mode(mmap_mode)
    path = os.fspath(path)
    with _opened(path, mode) as file:
        return _load_file(file, repr(path), mode, native=False, foreign=False, trust=trust)


def _opened(path: str, mode: str | None) -> BinaryIO:
    if mode == "r+":
        return open(path, "r+b", buffering=_READ_AHEAD)
    return open(path, "rb", buffering=_READ_AHEAD)


def _is_native(ensure_native_byte_order: object, mode: str | None) -> bool:
    if ensure_native_byte_order == "auto":
        return mode is None
    if not isinstance(ensure_native_byte_order, bool):
        raise InvalidArgumentError(
            f"ensure_native_byte_order={ensure_native_byte_order!r} is not True, False or 'auto'"
        )
    if ensure_native_byte_order and mode is not None:
        raise InvalidArgumentError(
            f"mmap_mode={mode!r} shows arrays as they are in the file, which does not go with "
            "ensure_native_byte_order=True: leave one of them out"
        )
    return ensure_native_byte_order


def _load_file(
    file: ReadableFile,
    place: str,
    mode: str | None,
    *,
    native: bool,
    foreign: bool,
    trust: Trust | None,
) -> object:
    if mode is not None and not is_regular_file(file):
        warn_unmapped(mode, f"{place} is not a file on disk", stacklevel=3)
        mode = None
    start = _read_start(file)
    if not start:
        raise EmptyFileError(f"{place} is empty, or was read to its end: there is no value to load")
    if foreign and start != MAGIC:
        return load_foreign(file, start, place, mode, native=native, trust=trust)
    source = FileSource(file, place, start=start)
    header = read_header(source)
    if mode is not None and header.compressor:
        warn_unmapped(mode, f"{place} is compressed by {header.compressor!r}", stacklevel=3)
        mode = None
    if mode is None:
        arrays = partial(copied_array, native=native)
        return read_body(source, header, arrays, verify=not header.unchecked, trust=trust)
    return _load_mapped(cast("BinaryIO", file), place, header, mode, trust)


def _read_start(file: ReadableFile) -> bytes:
    start = b""
    while len(start) < len(MAGIC):
        more = file.read(len(MAGIC) - len(start))
        if not more:
            break
        start += more
    return start


def _load_mapped(
    file: BinaryIO, place: str, header: Header, mode: str, trust: Trust | None
) -> object:
    start = file.tell() - header.size
    mapped = map_file(file, place, mode)
    source = MappedSource(mapped.pages, start, place)
    source.take(header.size, "the header")
    value = read_body(source, header, partial(mapped_array, mapped), verify=False, trust=trust)
    file.seek(start + source.position)
    if mode == "r+" and not header.unchecked:
        # The caller may write to the arrays from now on, so their checksums do not count any more.
        packed = pack_header(header.with_unchecked_buffers())
        mapped.pages[start : start + len(packed)] = packed
    return value
