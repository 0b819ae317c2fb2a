"""What the operating system's errors mean to the user of a directory of entries."""

from __future__ import annotations

import errno
import os

from ..errors import StoreError

_NO_ACCESS = "give this user access to that path, or choose another location"
_NO_SPACE = "free some space or choose another location; Memory.reduce_size() shrinks a cache"
_IN_THE_WAY = "something else is in the way: choose a location that only fanfold writes to"

_NEXT_STEPS = {
    errno.EACCES: _NO_ACCESS,
    errno.EPERM: _NO_ACCESS,
    errno.EROFS: "the file system is read-only: choose another location",
    errno.ENOSPC: _NO_SPACE,
    errno.EDQUOT: _NO_SPACE,
    errno.ENAMETOOLONG: "choose a location with a shorter path",
    errno.EEXIST: _IN_THE_WAY,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EISDIR: _IN_THE_WAY,
}
_OTHERWISE = "check that the location's file system is mounted and healthy"


def failure(action: str, location: str, error: OSError) -> StoreError:
    """Return the error that tells a user what went wrong, where, and what to do about it.

    Parameters
    ----------
    action : str
        What could not be done, such as ``"write the entry 'a/b'"``.
    location : str
        The directory of the store.
    error : OSError
        What the operating system said; its number and file name are kept.
    """
    reason = error.strerror or (os.strerror(error.errno) if error.errno else str(error))
    path = location if error.filename is None else error.filename
    step = _NEXT_STEPS.get(error.errno or 0, _OTHERWISE)
    return StoreError(
        error.errno, f"the store at {location!r} cannot {action}: {reason}; {step}", path
    )
