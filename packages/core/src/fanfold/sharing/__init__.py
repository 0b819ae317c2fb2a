"""Arrays whose memory several processes of this machine see: what one writes, the others read.

- ``_arrays.py``: what users call.
- ``_memory.py``: where new shared memory comes from.
- ``_files.py``: files that are mapped into memory, once in each process.
- ``_references.py``: an array as a place in such a file, and back.

Nothing here needs numpy to be imported before an array is made or looked at.
"""

from ._arrays import shared_array, shared_like
from ._references import Reference, open_reference, refer

__all__ = ["Reference", "open_reference", "refer", "shared_array", "shared_like"]
