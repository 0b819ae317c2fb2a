"""What to say when the system refuses what the pool needs of it."""

from __future__ import annotations

from errno import EMFILE, ENFILE

from ...errors import BackendUnavailableError

__all__ = ["refused"]


def refused(what: str, error: OSError) -> BackendUnavailableError:
    """Return the error to raise from the system's: with what was wanted, and the way out."""
    way_out = "Check the limits on processes (ulimit -u) and memory"
    if error.errno in (EMFILE, ENFILE):
        way_out = "Raise the limit on descriptors (ulimit -n) or close some, use fewer workers"
    return BackendUnavailableError(f"{what}: {error}. {way_out}, or use backend='threads'")
