"""Values in files: the container format, ``dump`` and ``load``, and the compressors.

``docs/reference/container-format.md`` specifies the format. :func:`encode`, :func:`decode`,
:func:`read_metadata`, :func:`load_path` and :func:`verify` are for what keeps containers in stores.
"""

from ._compression import Compress
from ._compressors import Compressor, register_compressor
from ._dump import WritableFile, dump
from ._encode import METADATA_PREFIX, decode, encode, read_metadata
from ._errors import EmptyFileError, NotBinaryFileError, UnpicklableValueError
from ._load import load, load_path
from ._sources import ReadableFile
from ._verify import verify

__all__ = [
    "METADATA_PREFIX",
    "Compress",
    "Compressor",
    "EmptyFileError",
    "NotBinaryFileError",
    "ReadableFile",
    "UnpicklableValueError",
    "WritableFile",
    "decode",
    "dump",
    "encode",
    "load",
    "load_path",
    "read_metadata",
    "register_compressor",
    "verify",
]
