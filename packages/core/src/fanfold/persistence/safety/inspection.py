"""What is in a file, found out without loading it."""

from __future__ import annotations

import io
import mmap
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from ...errors import CorruptFileError, InvalidArgumentError, MissingExtraError
from .._blocks import BlockSource
from .._compressors import compressor_named
from .._container import read_header
from .._errors import EmptyFileError
from .._format import MAGIC, VERSION, parse_metadata
from .._inflating import compression_of, inflating
from .._records import RecordReader
from .._sources import MappedSource
from .opcodes import OpcodeReader
from .rehearsal import rehearse
from .trust import Permits

if TYPE_CHECKING:
    from .._sources import Source

__all__ = ["ArrayReport", "FileReport", "GlobalReport", "inspect_file"]


@dataclass(frozen=True, slots=True)
class ArrayReport:
    """An array in a file.

    Attributes
    ----------
    dtype : str
        The type of its items.
    shape : tuple of int
        Its shape.
    size : int
        How many bytes its items have.
    """

    dtype: str
    shape: tuple[int, ...]
    size: int


@dataclass(frozen=True, slots=True)
class GlobalReport:
    """Something that a file imports.

    Attributes
    ----------
    name : str
        Its full name.
    trusted_by : str
        What in ``load(trusted=[...])`` allows it; empty for what is always allowed.
    """

    name: str
    trusted_by: str


@dataclass(slots=True)
class FileReport:
    """What is in a file; of a damaged one, what is in front of the damage.

    Attributes
    ----------
    path : str
        The file.
    size : int
        How many bytes it has.
    format : str
        ``"fanfold"``, ``"joblib"``, ``"pickle"``, or ``"unknown"``.
    version : int or None
        The version of fanfold's format.
    compression : str or None
        What compressed it.
    metadata : dict
        What the header says of the value.
    protocol : int or None
        The protocol of the pickle.
    pickle_size : int
        How many bytes the pickle has, not compressed, with joblib's arrays in it.
    n_buffers, buffers_size : int
        How many buffers are beside the pickle, and their bytes, not compressed.
    checked : bool
        Whether checksums confirm all of it.
    following : int
        How many bytes follow the value: others may be in the file.
    arrays : list of ArrayReport
        The arrays.
    imports : list of GlobalReport
        What loading it would import.
    problem : str or None
        Why it cannot be loaded.
    """

    path: str
    size: int = 0
    format: str = "unknown"
    version: int | None = None
    compression: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    protocol: int | None = None
    pickle_size: int = 0
    n_buffers: int = 0
    buffers_size: int = 0
    checked: bool = False
    following: int = 0
    arrays: list[ArrayReport] = field(default_factory=list)
    imports: list[GlobalReport] = field(default_factory=list)
    problem: str | None = None


def inspect_file(path: str | os.PathLike[str]) -> FileReport:
    """Return what is in a file that fanfold, joblib or pickle wrote; nothing of it runs.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    path = os.fspath(path)
    report = FileReport(path)
    permits = Permits(None, repr(path), joblib_arrays=True)
    with open(path, "rb") as file:
        report.size = os.fstat(file.fileno()).st_size
        start = file.read(len(MAGIC))
        file.seek(0)
        try:
            if start == MAGIC:
                _inspect_container(file, report, permits)
            else:
                _inspect_foreign(file, start, report, permits)
        except (CorruptFileError, InvalidArgumentError, MissingExtraError) as error:
            report.problem = str(error)
            report.checked = False
    report.arrays = [ArrayReport(one.dtype.text, one.shape, one.size) for one in permits.arrays]
    report.imports = [GlobalReport(*asked) for asked in permits.asked_for()]
    return report


def _inspect_container(file: BinaryIO, report: FileReport, permits: Permits) -> None:
    report.format, report.version = "fanfold", VERSION
    place = repr(report.path)
    pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    outer: Source = MappedSource(pages, 0, place)
    header = read_header(outer)
    report.compression = header.compressor or None
    report.metadata = dict(parse_metadata(header.metadata, place))
    source = outer
    if header.compressor:
        source = BlockSource(outer, compressor_named(header.compressor, place))
    reader = RecordReader(source, verify_buffers=not header.unchecked)
    parts: list[bytes] = []
    sizes: list[int] = []
    last = False
    while not last:
        part, last = reader.next_part()
        parts.append(bytes(part))
        sizes += reader.drop_buffers()
        report.n_buffers, report.buffers_size = len(sizes), sum(sizes)
    stream = b"".join(parts)
    report.pickle_size = len(stream)
    report.checked = not header.unchecked
    report.following = outer.left or 0
    opcodes = OpcodeReader(io.BytesIO(stream), place, len(stream))
    report.protocol = rehearse(opcodes, permits, iter(sizes))


def _inspect_foreign(file: BinaryIO, start: bytes, report: FileReport, permits: Permits) -> None:
    place = repr(report.path)
    if not start:
        raise EmptyFileError(f"{place} is empty")
    report.compression = compression_of(start)
    inflated = inflating(file, start, place)
    opcodes = OpcodeReader(inflated or file, place, None if inflated else report.size)
    try:
        report.protocol = rehearse(opcodes, permits)
    finally:
        report.pickle_size = opcodes.position
        if permits.are_joblibs:
            report.format = "joblib"
    if report.format == "unknown":
        report.format = "pickle"
    if not inflated:
        report.following = report.size - opcodes.position
