"""Arrays whose memory several processes of this machine see: what one writes, the others read.

- ``_arrays.py``: what users call.
- ``_memory.py``: where new shared memory comes from.
- ``_files.py``: files that are mapped into memory, once in each process.
- ``_references.py``: an array as a place in such a file, and back.
- ``_origin.py``: whose memory a buffer is.

Nothing here needs numpy to be imported before an array is made or looked at.
"""

from ._arrays import shared_array, shared_like
from ._files import Identity, MappedFile, map_file, map_privately
from ._memory import new_memory
from ._origin import origin_of
from ._references import Reference, open_reference, refer

__all__ = [
    "Identity",
    "MappedFile",
    "Reference",
    "map_file",
    "map_privately",
    "new_memory",
    "open_reference",
    "origin_of",
    "refer",
    "shared_array",
    "shared_like",
]
