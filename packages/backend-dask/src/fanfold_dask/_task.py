"""What a worker runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["run_batch"]


def _make() -> Callable[..., bytes]:
    """Return a function that is pickled by value, because it is not found by its name.

    A function that a worker cannot import breaks the worker's connection to its scheduler, and the
    batch would never end. This one can always be rebuilt, and fanfold is looked for when it runs:
    if it is not there, that is an error of the task.
    """

    def run_batch(payload: bytes, *shared: bytes) -> bytes:
        from fanfold import run_batch

        return run_batch(payload, *shared)

    return run_batch


run_batch = _make()
